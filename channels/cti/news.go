package cti

import (
	"slices"
	"strings"

	"guichet/channels"
)

// newsOf reads what a post says of a call, all but the moment. The news of an event nobody knows has no step; a field that is wrong
// is refused by name. Answers and hangups may leave out everything but the call: an exchange that has told once need not tell again.
func newsOf(f fields, e Exchange, region string) (channels.CallNews, error) {
	n := channels.CallNews{Exchange: e.Name}
	event, _, err := f.text(maxName, "event")
	switch {
	case err != nil:
		return n, err
	case event == "":
		return n, badField("event", "is missing")
	}
	step := stepOf(event)
	if step == "" {
		return n, nil
	}
	if n.ID, _, err = f.text(maxID, "callId", "call_id"); err != nil {
		return n, err
	}
	if n.ID == "" {
		return n, badField("callId", "is missing")
	}
	if n.Out, err = outgoing(f); err != nil {
		return n, err
	}
	if n.Caller, err = party(f, "from", step, e, region); err != nil {
		return n, err
	}
	if n.Called, err = party(f, "to", step, e, region); err != nil {
		return n, err
	}
	if n.Agents, err = agents(f, step); err != nil {
		return n, err
	}
	if step == channels.CallEnded {
		cause, _, err := f.text(maxName, "cause")
		if err != nil {
			return n, err
		}
		n.End = endOf(cause)
	}
	n.Step = step
	return n, nil
}

// stepOf reads an event; empty: none of ours.
func stepOf(event string) channels.CallStep {
	switch strings.ToLower(event) {
	case "newcall":
		return channels.CallRang
	case "answer":
		return channels.CallAnswered
	case "hangup":
		return channels.CallEnded
	}
	return ""
}

// endOf reads why a call ended. A cause nobody knows is none: the call was missed, unless somebody answers it.
func endOf(cause string) channels.CallEnd {
	switch strings.ToLower(cause) {
	case "normalclearing":
		return channels.EndAnswered
	case "cancel", "noanswer":
		return channels.EndMissed
	case "busy":
		return channels.EndBusy
	case "congestion", "notfound":
		return channels.EndFailed
	case "forwarded":
		return channels.EndForwarded
	}
	return ""
}

// outgoing tells whether the town hall calls. Without a direction somebody calls the town hall: that call must not be lost.
func outgoing(f fields) (bool, error) {
	direction, _, err := f.text(maxName, "direction")
	switch {
	case err != nil:
		return false, err
	case direction == "out":
		return true, nil
	case direction == "in" || direction == "":
		return false, nil
	}
	return false, badField("direction", "is neither in nor out")
}

// party reads one end of a call. One that is empty is withheld; a call that begins without it was posted by an exchange that is set
// up wrongly, which is told so.
func party(f fields, name string, step channels.CallStep, e Exchange, region string) (channels.Address, error) {
	shown, there, err := f.text(maxNumber, name)
	switch {
	case err != nil:
		return channels.Address{}, err
	case !there && step == channels.CallRang:
		return channels.Address{}, badField(name, "is missing")
	case !there:
		return channels.Address{}, nil
	case shown == "":
		return channels.Address{Name: "anonymous"}, nil
	}
	value, ok := numberOf(shown, e.Numbers, region)
	if !ok {
		value = ""
	}
	return channels.Address{Name: shown, Value: value}, nil
}

// numberOf reads a number as this exchange writes it. Withheld numbers, short codes and extensions are nobody's.
func numberOf(s, numbers, region string) (e164 string, ok bool) {
	if channels.Withheld(s) {
		return "", false
	}
	if numbers != National && s[0] >= '1' && s[0] <= '9' {
		s = "+" + s
	}
	return channels.ParsePhone(s, region)
}

// agents lists whose telephones ring, or who took the call. Where a whole group is named, the telephone that answered comes first.
// The end of a call tells who took it only by that telephone: its users are all that rang.
func agents(f fields, step channels.CallStep) ([]string, error) {
	users, err := f.texts(maxName, "user")
	if err != nil {
		return nil, err
	}
	answering, _, err := f.text(maxNumber, "answeringNumber")
	if err != nil || step == channels.CallRang {
		return users, err
	}
	if step == channels.CallEnded && len(users) > 1 {
		users = nil
	}
	switch {
	case answering == "" || slices.Contains(users, answering):
		return users, nil
	case len(users) == 1:
		return append(users, answering), nil
	}
	return append([]string{answering}, users...), nil
}
