package ticketing_test

import (
	"errors"
	"testing"

	"guichet/channels"
	"guichet/ticketing"
)

// visit writes down that somebody came, and confirms it by text message.
func (h *hall) visit(c ticketing.NewContact) (ticketing.Ticket, error) {
	h.Helper()
	c.Subject, c.Receipt.By = "Passeport", channels.SMS
	if c.Channel == "" {
		c.Channel = channels.Counter
	}
	if c.CitizenID == "" {
		c.Citizen = &ticketing.CitizenDraft{Family: "Perrin", Contacts: []ticketing.Contact{{Type: "phone", Value: anne}}}
	}
	return h.desk.Log(h.Context(), h.actor("admin"), c)
}

// TestNoReceiptGoesToANumberThatSaidStop refuses it whole, so that the agent prints it or sends it by mail.
func TestNoReceiptGoesToANumberThatSaidStop(t *testing.T) {
	eachHall(t, func(h *hall) {
		h.receive(h.word("SM1", anne, channels.WordStop))
		for _, to := range []string{"", "06 39 98 00 01"} {
			_, err := h.visit(ticketing.NewContact{Receipt: ticketing.Receipt{To: to}})
			var refused *ticketing.Error
			if !errors.As(err, &refused) || refused.Code != ticketing.CodeConflict || refused.Reason != "said_stop" {
				h.Errorf("to %q: %v", to, err)
			}
		}
		_, err := h.visit(ticketing.NewContact{Receipt: ticketing.Receipt{To: paul}})
		h.must(err)
		h.receive(h.word("SM2", anne, channels.WordStart))
		_, err = h.visit(ticketing.NewContact{})
		h.must(err)
	})
}
