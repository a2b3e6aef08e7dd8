package words

// languageSample is how many words Language looks at: enough to be sure, few enough to be free.
const languageSample = 200

// Language returns "fr" or "en", whichever the short common words of text speak for, or "" when they do not say: a text message of
// three words often does not.
func Language(text string) string {
	var buffer [16]byte
	var french, english, seen int
	for word := range Split(text) {
		if seen++; seen > languageSample {
			break
		}
		if len(word) > len(buffer)/2 {
			continue
		}
		switch stopWord(string(AppendFold(buffer[:0], word))) {
		case "fr":
			french++
		case "en":
			english++
		}
	}
	switch {
	case french > english:
		return "fr"
	case english > french:
		return "en"
	}
	return ""
}

// stopWord returns the one language a folded word is a common word of, or "". Words common in both (on, a, me, as, plus, or, son…)
// speak for neither.
func stopWord(word string) string {
	switch word {
	case "le", "la", "les", "un", "une", "des", "du", "de", "et", "ou", "est", "sont", "que", "qui", "quoi", "dans", "sur", "pour",
		"par", "avec", "sans", "ce", "cet", "cette", "ces", "mon", "ma", "mes", "notre", "nos", "votre", "vos", "leur", "je", "tu",
		"il", "elle", "nous", "vous", "ils", "elles", "ne", "pas", "au", "aux", "en", "depuis", "chez", "mais", "donc", "suis",
		"avons", "avez", "ont", "etes", "bonjour", "merci", "svp", "slt", "cmt", "pr":
		return "fr"
	case "the", "an", "of", "and", "is", "are", "was", "were", "been", "to", "in", "it", "its", "that", "this", "these", "those",
		"for", "with", "from", "by", "at", "my", "our", "your", "his", "her", "their", "i", "you", "he", "she", "we", "they", "not",
		"do", "does", "did", "have", "has", "had", "will", "would", "can", "could", "should", "there", "what", "which", "who",
		"when", "where", "how", "hello", "please", "thanks", "dear":
		return "en"
	}
	return ""
}
