package twilio

// explain says in English what a code of the provider means for a message (https://www.twilio.com/docs/api/errors); empty: it isn't
// one of those that matter here.
func explain(code string) string {
	switch code {
	case "20003":
		return "the provider does not know the account or its token"
	case "20404":
		return "the provider knows no such account; check twilio.account_sid"
	case "20429":
		return "too many requests for the account"
	case "21211", "21614":
		return "not a number that can be texted"
	case "21408":
		return "the account may not text this country"
	case "21602":
		return "the message has no text"
	case "21212", "21603", "21606", "21659":
		return "the sender is not one of the account; check twilio.lines and twilio.sender"
	case "21610":
		return "the recipient said STOP to this number"
	case "21612":
		return "this sender cannot reach the number"
	case "21617":
		return "the text has more than 1600 characters"
	case "21701":
		return "the account has no such messaging service; check twilio.messaging_service_sid"
	case "30001":
		return "too many messages are waiting at the provider"
	case "30002":
		return "the account is suspended"
	case "30003":
		return "the phone is off, out of reach or takes no messages"
	case "30004":
		return "the recipient or the network blocks the message"
	case "30005":
		return "the number does not exist or is out of service"
	case "30006":
		return "a landline, or a network that takes no text messages"
	case "30007":
		return "the network took it for unwanted mail"
	case "30008":
		return "not delivered, for a reason the network does not say"
	}
	return ""
}
