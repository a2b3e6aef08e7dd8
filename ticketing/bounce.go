package ticketing

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// Undelivered is why a message did not arrive, as a stable word for programs. The other side's own words are in Delivery.Error.
type Undelivered string

// The reasons, by the enhanced status codes of RFC 3463 and the registry of RFC 5248.
const (
	NoSuchAddress   Undelivered = "no_such_address"  // X.1.1, X.1.3, X.1.6: nobody has that address
	NoSuchDomain    Undelivered = "no_such_domain"   // X.1.2, X.1.10: what stands after the @ takes no mail
	MailboxDisabled Undelivered = "mailbox_disabled" // X.2.1
	MailboxFull     Undelivered = "mailbox_full"     // X.2.2
	MessageTooLarge Undelivered = "too_large"        // X.2.3, X.3.4
	Unreachable     Undelivered = "unreachable"      // X.4.x: their server does not answer
	RefusedByPolicy Undelivered = "refused"          // X.7.x: their server does not want mail like this, or from here
	SaidStop        Undelivered = "said_stop"        // of a text message: the number refuses what our line sends
	NoMobile        Undelivered = "no_mobile"        // of a text message: the number is a landline
	UnknownReason   Undelivered = "unknown"
)

// UndeliveredReasons lists them.
func UndeliveredReasons() []Undelivered {
	return []Undelivered{
		NoSuchAddress, NoSuchDomain, MailboxDisabled, MailboxFull, MessageTooLarge, Unreachable, RefusedByPolicy, SaidStop, NoMobile, UnknownReason,
	}
}

var enhancedStatus = regexp.MustCompile(`(?:^|[^\d.])[245]\.(\d{1,3}\.\d{1,3})(?:[^\d.]|\.?$|\. )`)

// Reason says why a message did not arrive; "" of one that did, or still may.
func (d Delivery) Reason() Undelivered {
	if !d.State.Undelivered() {
		return ""
	}
	if d.Channel == string(channels.SMS) {
		code, _, _ := strings.Cut(d.Error, " ")
		return textRefusal(code)
	}
	found := enhancedStatus.FindStringSubmatch(d.Error)
	if found == nil {
		return UnknownReason
	}
	switch code := found[1]; {
	case code == "1.1", code == "1.3", code == "1.6":
		return NoSuchAddress
	case code == "1.2", code == "1.10":
		return NoSuchDomain
	case code == "2.1":
		return MailboxDisabled
	case code == "2.2":
		return MailboxFull
	case code == "2.3", code == "3.4":
		return MessageTooLarge
	case strings.HasPrefix(code, "4."):
		return Unreachable
	case strings.HasPrefix(code, "7."):
		return RefusedByPolicy
	}
	return UnknownReason
}

// textRefusal reads Twilio's error codes (https://www.twilio.com/docs/api/errors).
func textRefusal(code string) Undelivered {
	switch code {
	case "21211", "30005":
		return NoSuchAddress
	case "21610":
		return SaidStop
	case "21614", "30006":
		return NoMobile
	case "30003", "30008":
		return Unreachable
	case "21408", "21612", "30004", "30007":
		return RefusedByPolicy
	}
	return UnknownReason
}

// Undelivered tells whether a message in this state has not arrived and will not by itself.
func (s DeliveryState) Undelivered() bool {
	return s == DeliveryFailed || s == DeliveryParked || s == DeliveryBounced
}

// bounce is a delivery that a mail server says has failed.
type bounce struct {
	messageID string
	words     string
	event     Event
}

// bounce notes that a message of ours did not arrive, if a report says so and tells which. A report of anything else, such as a delay,
// says nothing final.
func (f *filing) bounce(ctx context.Context, in channels.Inbound, t *Ticket) error {
	r := in.Report
	if r.Action != "failed" {
		return nil
	}
	id, err := f.reported(ctx, *r, t)
	if err != nil || id == "" {
		return err
	}
	b := bounce{messageID: id, words: clip(strings.TrimSpace(r.Status+" "+r.Reason), 500)}
	reason := Delivery{State: DeliveryBounced, Error: b.words}.Reason()
	b.event = event(EventDeliveryChanged, *t, f.desk.now, nil, Data{"state": string(DeliveryBounced), "reason": string(reason)})
	b.event.MessageID = &b.messageID
	f.bounces = append(f.bounces, b)
	return nil
}

// lookBack is how long after a message was sent a report that names only its recipient may be about it. Servers try for five days.
const lookBack = 10 * 24 * time.Hour

// reported finds the message of ours that a report in this ticket is about: the one it names, else, when some relay gave it another
// name, the last one that went to the address the report names.
func (f *filing) reported(ctx context.Context, r channels.Report, t *Ticket) (messageID string, err error) {
	for _, u := range f.byID[r.ID] {
		if r.ID != "" && u.Direction == Out {
			return u.MessageID, nil
		}
	}
	messages, err := f.tx.MessagesOf(ctx, t.ID)
	if err != nil {
		return "", wrap("messages", err)
	}
	if _, id, ok := f.desk.keys.ReadMessage(r.ID); ok && slices.ContainsFunc(messages, func(m Message) bool { return m.ID == id }) {
		return id, nil
	}
	for _, m := range slices.Backward(messages) {
		if m.Direction == Out && m.Delivery != nil && m.At.After(f.now.Add(-lookBack)) && sentTo(m, r.Recipient) {
			return m.ID, nil
		}
	}
	return "", nil
}

// sentTo tells whether a message went to an address; every message, when no address is told.
func sentTo(m Message, address string) bool {
	return address == "" || slices.ContainsFunc(slices.Concat(m.To, m.Cc), func(a channels.Address) bool { return strings.EqualFold(a.Value, address) })
}
