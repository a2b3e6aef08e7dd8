package agentapi

import "fmt"

// words are the error words of one language: titles by code, details by code and reason, or by reason alone.
type words struct {
	colon   string
	waiting string
	titles  map[string]string
	details map[string]string
}

func (w words) title(code string) string {
	if t, ok := w.titles[code]; ok {
		return t
	}
	return w.titles[string(codeInternal)]
}

func (w words) detail(code, reason string) string {
	if d, ok := w.details[code+"/"+reason]; ok {
		return d
	}
	return w.details[code]
}

func (w words) wait(seconds int) string { return fmt.Sprintf(w.waiting, (seconds+59)/60) }

func wordsFor(language string) words {
	if language == "en" {
		return english()
	}
	return french()
}

func french() words {
	return words{
		colon:   " : ",
		waiting: "Trop d’essais. Réessayez dans %d min, ou demandez à votre administrateur.",
		titles: map[string]string{
			"not_found": "Introuvable", "forbidden": "Action non autorisée", "conflict": "Impossible dans cet état",
			"stale": "Modifié entre-temps", "invalid": "Saisie à corriger", "at_capacity": "Capacité atteinte",
			"unavailable": "Service momentanément indisponible", "key_reused": "Clé d’idempotence déjà utilisée",
			"unauthenticated": "Connexion requise", "bad_credentials": "Identifiants refusés", "rate_limited": "Trop d’essais",
			"cross_site": "Requête venue d’un autre site", "malformed": "Requête illisible", "too_large": "Requête trop grande",
			"unsupported_media_type": "Format non accepté", "method_not_allowed": "Méthode non acceptée",
			"request_timeout": "Requête trop lente", "too_many_streams": "Trop de flux ouverts", "not_ready": "Pas encore prêt",
			"internal": "Erreur interne",
		},
		details: map[string]string{
			"not_found":                      "Cet élément n’existe pas ou ne vous est pas accessible.",
			"forbidden":                      "Vous n’avez pas le droit de faire cela.",
			"forbidden/read_only_token":      "Ce jeton ne permet que de lire.",
			"forbidden/metrics":              "Les mesures sont réservées aux administrateurs.",
			"conflict":                       "L’état actuel ne le permet pas. Rechargez et vérifiez.",
			"conflict/already_taken":         "Une autre personne vient de prendre cette demande.",
			"conflict/citizen_exists":        "Cet usager vient d’être enregistré. Envoyez de nouveau.",
			"conflict/closed":                "La demande est close. Rouvrez-la d’abord.",
			"conflict/merged":                "La demande a été fusionnée dans une autre.",
			"conflict/record_merged":         "Cette fiche a été réunie à une autre. Ouvrez celle-là.",
			"conflict/already_undone":        "Cette fusion a déjà été annulée.",
			"conflict/erased":                "Cette fiche a été effacée.",
			"conflict/restricted":            "Cette fiche est en traitement limité : elle se conserve, rien de plus.",
			"conflict/too_many_merges":       "Trop de fiches ont été réunies à celle-ci.",
			"conflict/no_address":            "Aucune adresse de messagerie n’est connue pour cet usager. Indiquez-en une.",
			"conflict/no_department":         "Aucun service n’existe encore. Importez une ville.",
			"conflict/no_mailbox":            "Aucune boîte de messagerie n’est configurée pour répondre.",
			"conflict/no_line":               "Aucun numéro de la mairie n’envoie de SMS.",
			"conflict/file_on_its_way":       "Ce fichier est encore chez l’opérateur ; il arrive d’ordinaire en quelques secondes.",
			"conflict/too_many_openings":     "Vous avez déjà ouvert plusieurs demandes réservées. Attendez que l’heure passe.",
			"invalid/not_a_time":             "n’est pas un instant (RFC 3339)",
			"conflict/said_stop":             "Cette personne a dit STOP aux SMS de ce numéro de la mairie. Imprimez le récépissé ou envoyez-le par e-mail.",
			"conflict/no_mobile":             "Aucun numéro de mobile n’est connu pour cet usager. Indiquez-en un.",
			"invalid/not_a_mobile_number":    "n’est pas un numéro de mobile",
			"invalid/not_by_text":            "impossible par SMS",
			"invalid/email_or_sms":           "e-mail ou SMS",
			"conflict/not_closed":            "La demande n’est pas close.",
			"conflict/target_closed":         "L’autre demande est close. Rouvrez-la d’abord, ou fusionnez dans l’autre sens.",
			"stale":                          "La demande ou la fiche a changé depuis que vous l’avez lue. Rechargez-la ; rien n’a été enregistré.",
			"invalid":                        "Une valeur n’est pas acceptée.",
			"invalid/empty":                  "à remplir",
			"invalid/empty_or_too_long":      "à remplir, 998 caractères au plus",
			"invalid/file_empty":             "un fichier est vide",
			"invalid/file_too_large":         "un fichier dépasse 15 Mo",
			"invalid/files_too_large":        "les fichiers dépassent 25 Mo ensemble",
			"invalid/file_unknown":           "un fichier n’est plus là ; joignez-le de nouveau",
			"conflict/too_many_files":        "Trop de fichiers attendent d’être envoyés. Envoyez-les, ou réessayez demain.",
			"conflict/not_resendable":        "Ce message ne s’envoie pas.",
			"invalid/in_the_future":          "ne peut pas être dans le futur",
			"invalid/too_long_ago":           "trop ancien",
			"invalid/not_in_department":      "cette personne ne travaille pas dans ce service",
			"invalid/not_a_telephone_number": "n’est pas un numéro de téléphone",
			"invalid/not_an_e_mail_address":  "n’est pas une adresse de messagerie",
			"invalid/not_text":               "contient des caractères interdits",
			"invalid/too_long":               "trop long",
			"invalid/too_short":              "10 caractères au moins",
			"invalid/in_the_past":            "doit être dans le futur",
			"invalid/itself":                 "est la demande elle-même",
			"invalid/the_same":               "est la fiche elle-même",
			"invalid/one_must_come_in":       "un message de l’usager doit partir et un autre rester",
			"invalid/own_address":            "est une adresse de la mairie",
			"invalid/too_far":                "dans un an au plus",
			"invalid/too_many":               "trop nombreux",
			"invalid/unknown":                "valeur inconnue",
			"invalid/email_or_phone":         "e-mail ou téléphone",
			"invalid/wrong_number":           "numéro impossible : vérifiez les chiffres",
			"invalid/not_of_this_siren":      "ne commence pas par le SIREN indiqué",
			"invalid/not_a_date":             "date impossible",
			"invalid/country":                "deux lettres, comme FR",
			"invalid/before_since":           "avant le début",
			"conflict/already_related":       "Ce lien est déjà noté.",
			"conflict/too_many_relations":    "Cette fiche a autant de liens que possible.",
			"at_capacity":                    "Vous avez autant de demandes ouvertes que votre capacité le permet.",
			"unavailable":                    "Un serveur nécessaire ne répond pas. Rien n’a été modifié ; réessayez dans un instant.",
			"key_reused":                     "Cette Idempotency-Key a déjà servi pour une autre requête.",
			"unauthenticated":                "Connectez-vous, ou envoyez un jeton valide.",
			"bad_credentials":                "Adresse ou mot de passe incorrect.",
			"rate_limited":                   "Réessayez plus tard.",
			"cross_site":                     "La requête a été refusée parce qu’elle vient d’un autre site.",
			"malformed":                      "Le corps de la requête n’est pas du JSON valide.",
			"too_large":                      "La requête dépasse 1 Mio.",
			"unsupported_media_type":         "Envoyez du JSON (application/json).",
			"method_not_allowed":             "Cette adresse n’accepte pas cette méthode.",
			"request_timeout":                "La requête a mis trop de temps à arriver.",
			"too_many_streams":               "Fermez-en un avant d’en ouvrir un autre.",
			"internal":                       "L’erreur est notée dans le journal. Rien de plus n’est à faire de votre côté.",
		},
	}
}

func english() words {
	return words{
		colon:   ": ",
		waiting: "Too many tries. Try again in %d min, or ask your administrator.",
		titles: map[string]string{
			"not_found": "Not found", "forbidden": "Not allowed", "conflict": "Not possible in this state", "stale": "Changed meanwhile",
			"invalid": "Please correct", "at_capacity": "At capacity", "unavailable": "Temporarily unavailable",
			"key_reused": "Idempotency key used before", "unauthenticated": "Please sign in", "bad_credentials": "Sign-in refused",
			"rate_limited": "Too many tries", "cross_site": "Request from another site", "malformed": "Unreadable request",
			"too_large": "Request too large", "unsupported_media_type": "Format not accepted", "method_not_allowed": "Method not allowed",
			"request_timeout": "Request too slow", "too_many_streams": "Too many open streams", "not_ready": "Not ready yet",
			"internal": "Internal error",
		},
		details: map[string]string{
			"not_found":                      "It does not exist, or you may not see it.",
			"forbidden":                      "You may not do this.",
			"forbidden/read_only_token":      "This token may only read.",
			"forbidden/metrics":              "Metrics are for administrators.",
			"conflict":                       "Its present state does not allow this. Reload and check.",
			"conflict/already_taken":         "Somebody else has just taken this ticket.",
			"conflict/citizen_exists":        "This citizen has just been recorded. Send it again.",
			"conflict/closed":                "The ticket is closed. Reopen it first.",
			"conflict/merged":                "The ticket has been merged into another.",
			"conflict/record_merged":         "This record has become part of another. Open that one.",
			"conflict/already_undone":        "This merge has been undone already.",
			"conflict/erased":                "This record has been erased.",
			"conflict/restricted":            "This record is restricted: it may be kept and nothing else.",
			"conflict/too_many_merges":       "Too many records have become part of this one.",
			"conflict/no_address":            "No e-mail address of this citizen is known. Give one.",
			"conflict/no_department":         "There is no department yet. Import a town.",
			"conflict/no_mailbox":            "No mailbox is configured to answer from.",
			"conflict/no_line":               "No number of the town hall sends text messages.",
			"conflict/file_on_its_way":       "The provider still has this file; it usually comes within seconds.",
			"conflict/too_many_openings":     "You have opened several reserved tickets already. Wait until their hour is over.",
			"invalid/not_a_time":             "is not a moment (RFC 3339)",
			"conflict/said_stop":             "This person said STOP to text messages of this number of the town hall. Print the receipt or send it by e-mail.",
			"conflict/no_mobile":             "No mobile number of this citizen is known. Give one.",
			"invalid/not_a_mobile_number":    "is not a mobile number",
			"invalid/not_by_text":            "is not possible by text message",
			"invalid/email_or_sms":           "is email or sms",
			"conflict/not_closed":            "The ticket is not closed.",
			"conflict/target_closed":         "The other ticket is closed. Reopen it first, or merge the other way round.",
			"stale":                          "It has changed since you read it. Reload it; nothing was saved.",
			"invalid":                        "A value is not accepted.",
			"invalid/empty":                  "must be filled in",
			"invalid/empty_or_too_long":      "must be filled in, 998 characters at most",
			"invalid/file_empty":             "a file is empty",
			"invalid/file_too_large":         "a file is larger than 15 MB",
			"invalid/files_too_large":        "the files are larger than 25 MB together",
			"invalid/file_unknown":           "a file is no longer there; attach it again",
			"conflict/too_many_files":        "Too many files wait to be sent. Send them, or try again tomorrow.",
			"conflict/not_resendable":        "This message is not one that is sent.",
			"invalid/in_the_future":          "can't be in the future",
			"invalid/too_long_ago":           "is too long ago",
			"invalid/not_in_department":      "this person does not work in the department",
			"invalid/not_a_telephone_number": "is not a telephone number",
			"invalid/not_an_e_mail_address":  "is not an e-mail address",
			"invalid/not_text":               "holds characters that are not allowed",
			"invalid/too_long":               "too long",
			"invalid/too_short":              "at least 10 characters",
			"invalid/in_the_past":            "must be in the future",
			"invalid/itself":                 "is the ticket itself",
			"invalid/the_same":               "is the record itself",
			"invalid/one_must_come_in":       "a message of the citizen must go and another must stay",
			"invalid/own_address":            "is an address of the town hall",
			"invalid/too_far":                "within a year at most",
			"invalid/too_many":               "too many",
			"invalid/unknown":                "unknown value",
			"invalid/email_or_phone":         "is email or phone",
			"invalid/wrong_number":           "is no possible number: check its digits",
			"invalid/not_of_this_siren":      "does not begin with the SIREN given",
			"invalid/not_a_date":             "is no possible date",
			"invalid/country":                "is two letters, such as FR",
			"invalid/before_since":           "is before the beginning",
			"conflict/already_related":       "This relation is noted already.",
			"conflict/too_many_relations":    "This record has as many relations as it may.",
			"at_capacity":                    "You hold as many open tickets as your capacity allows.",
			"unavailable":                    "A server Guichet needs does not answer. Nothing was changed; try again in a moment.",
			"key_reused":                     "This Idempotency-Key was used for another request.",
			"unauthenticated":                "Sign in, or send a valid token.",
			"bad_credentials":                "Wrong address or password.",
			"rate_limited":                   "Try again later.",
			"cross_site":                     "The request was refused because it comes from another site.",
			"malformed":                      "The body of the request is not valid JSON.",
			"too_large":                      "The request is larger than 1 MiB.",
			"unsupported_media_type":         "Send JSON (application/json).",
			"method_not_allowed":             "This address does not take this method.",
			"request_timeout":                "The request took too long to arrive.",
			"too_many_streams":               "Close one before you open another.",
			"internal":                       "The error is in the log. There is nothing more for you to do.",
		},
	}
}
