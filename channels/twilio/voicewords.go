package twilio

// lineWords is what is said where the line has no words of its own for it.
type lineWords struct {
	wrongKey string
	notNoted string
	later    string
}

// wordsFor gives the words of a language, French for one that is not known.
func wordsFor(language string) lineWords {
	if language == "en" {
		return lineWords{
			wrongKey: "This key is not one of the choices.",
			notNoted: "Your request could not be noted.",
			later:    "This number can't be answered at the moment. Please call again later. Goodbye.",
		}
	}
	return lineWords{
		wrongKey: "Cette touche ne correspond à aucun choix.",
		notNoted: "Votre demande n'a pas pu être enregistrée.",
		later:    "Ce numéro ne peut pas répondre pour le moment. Merci de rappeler plus tard. Au revoir.",
	}
}
