package ticketing_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

func TestUndeliveredReason(t *testing.T) {
	for words, want := range map[string]ticketing.Undelivered{
		"5.1.1 550 No such user":                     ticketing.NoSuchAddress,
		"550 5.1.1 <a@b.c>: unknown":                 ticketing.NoSuchAddress,
		"5.1.10 recipient not found by SMTP":         ticketing.NoSuchDomain,
		"5.1.2":                                      ticketing.NoSuchDomain,
		"5.2.1 disabled":                             ticketing.MailboxDisabled,
		"552 5.2.2 over quota":                       ticketing.MailboxFull,
		"4.2.2 over quota for five days":             ticketing.MailboxFull,
		"5.3.4 too big":                              ticketing.MessageTooLarge,
		"4.4.7 delivery time expired":                ticketing.Unreachable,
		"5.4.4 host not found":                       ticketing.Unreachable,
		"550 5.7.1 blocked":                          ticketing.RefusedByPolicy,
		"5.7.26 unauthenticated":                     ticketing.RefusedByPolicy,
		"smtp;550-5.1.1 The account does not exist.": ticketing.NoSuchAddress,
		"550 no such user":                           ticketing.UnknownReason,
		"host 10.5.1.1 said no":                      ticketing.UnknownReason,
		"5.0.0 failed":                               ticketing.UnknownReason,
		"":                                           ticketing.UnknownReason,
	} {
		if got := (ticketing.Delivery{State: ticketing.DeliveryBounced, Error: words}).Reason(); got != want {
			t.Errorf("%q: %s, want %s", words, got, want)
		}
	}
	if got := (ticketing.Delivery{State: ticketing.DeliverySent, Error: "250 2.1.1"}).Reason(); got != "" {
		t.Errorf("what arrived has a reason: %s", got)
	}
}

// report is a mail server's word about a message of ours.
func (h *hall) report(about, recipient, action, status string) channels.Inbound {
	in := h.letter(ticketing.NewID()+"@mx.example.org", "mailer-daemon@mx.example.org", "Undelivered Mail", "Sorry.")
	in.From.Name, in.Automatic = "Mail Delivery System", "bounce"
	in.Report = &channels.Report{ID: about, Recipient: recipient, Action: action, Status: status, Reason: "550 unknown user"}
	return in
}

func (h *hall) delivery(reference, messageID string) ticketing.Delivery {
	h.Helper()
	for _, m := range h.dossier(reference).Messages {
		if m.ID == messageID && m.Delivery != nil {
			return *m.Delivery
		}
	}
	h.Fatal("it has no delivery")
	return ticketing.Delivery{}
}

func TestABounceFindsItsDelivery(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		ask := func(i int) (string, ticketing.Message) {
			reference := h.receive(h.letter(strconv.Itoa(i)+"@example.org", "anne@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
			h.clock.advance(time.Second)
			m, err := h.desk.Reply(h.Context(), agent, reference, ticketing.Answer{Text: "Où ?", Cc: []string{"copy@example.org"}})
			h.must(err)
			return reference, m
		}
		for i, name := range []string{"its Message-ID", "the reply token", "a Message-ID in another case", "the token, of a copy"} {
			reference, sent := ask(i)
			before := h.dossier(reference)
			in := h.report(sent.ExternalID, "anne@example.org", "failed", "5.1.1")
			token := h.keys.ReplyAddress(before.Ticket.ID, "contact@valmont.example")
			switch i {
			case 1:
				in.Report.ID, in.DeliveredTo = "rewritten@relay.example", []string{token}
			case 2:
				in.Report.ID = strings.ToUpper(in.Report.ID)
			case 3:
				in.Report.ID, in.Report.Recipient, in.DeliveredTo = "", "copy@example.org", []string{token}
			}
			filed := h.receive(in)
			d := h.dossier(reference)
			delivery := h.delivery(reference, sent.ID)
			if filed[0].Result != channels.Joined || filed[0].Reference != reference {
				h.Fatalf("%s: %+v", name, filed)
			}
			if delivery.State != ticketing.DeliveryBounced || delivery.Reason() != ticketing.NoSuchAddress || !strings.Contains(delivery.Error, "unknown user") {
				h.Errorf("%s: %+v", name, delivery)
			}
			last := d.Messages[len(d.Messages)-1]
			if d.Ticket.Status != before.Ticket.Status || last.Stranger || last.Automatic != "bounce" || len(d.Participants) != len(before.Participants) || !d.Undelivered() {
				h.Errorf("%s: %s, message %+v, participants %+v", name, d.Ticket.Status, last, d.Participants)
			}
			e := d.Events[len(d.Events)-1]
			if e.Type != ticketing.EventDeliveryChanged || e.Data["state"] != "bounced" || e.Data["reason"] != "no_such_address" || *e.MessageID != sent.ID {
				h.Errorf("%s: event %+v", name, e)
			}
		}
	})
}

// What is not final, or of a closed ticket, or of nobody, moves nothing.
func TestReportsMoveNothing(t *testing.T) {
	eachHall(t, func(h *hall) {
		reference := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
		ack := h.dossier(reference).Messages[1]
		for _, action := range []string{"delayed", "delivered", "relayed", "expanded"} {
			if filed := h.receive(h.report(ack.ExternalID, "anne@example.org", action, "4.0.0")); filed[0].Result != channels.Joined {
				h.Errorf("%s: %+v", action, filed)
			}
		}
		if d := h.delivery(reference, ack.ID); d.State != ticketing.DeliveryQueued {
			h.Errorf("after a delay it is %s", d.State)
		}
		_, err := h.desk.Close(h.Context(), h.actor("agent"), reference, ticketing.Answered, "", 0)
		h.must(err)
		h.clock.advance(400 * 24 * time.Hour)
		away := h.letter("2@example.org", "anne@example.org", "Absente", "Je suis en congé.")
		away.Automatic, away.InReplyTo = "auto-submitted", []string{ack.ExternalID}
		for _, in := range []channels.Inbound{h.report(ack.ExternalID, "anne@example.org", "failed", "5.2.2"), away} {
			if filed := h.receive(in); filed[0].Result != channels.Joined || filed[0].Reference != reference {
				h.Errorf("of a closed ticket: %+v", filed)
			}
		}
		if d := h.dossier(reference); d.Ticket.Status != ticketing.StatusClosed || d.Ticket.FirstReplyAt != nil || h.delivery(reference, ack.ID).Reason() != ticketing.MailboxFull {
			h.Errorf("%+v", d.Ticket)
		}
		filed := h.receive(h.report("somebody@else.example", "x@example.org", "failed", "5.1.1"))
		d := h.dossier(filed[0].Reference)
		if filed[0].Result != channels.Created || len(d.Messages) != 1 || d.Citizen != nil {
			h.Errorf("of nobody: %+v, %d messages, citizen %+v", filed, len(d.Messages), d.Citizen)
		}
	})
}

// An address that does not exist is not acknowledged to again for a week.
func TestNoAcknowledgementToWhatBounced(t *testing.T) {
	eachHall(t, func(h *hall) {
		write := func(i int) ticketing.Dossier {
			return h.dossier(h.receive(h.letter(strconv.Itoa(i)+"@example.org", "gone@example.org", "Sujet "+strconv.Itoa(i), "texte"))[0].Reference)
		}
		acks := func(d ticketing.Dossier) int { return len(d.Messages) - 1 }
		first := write(1)
		h.receive(h.report(first.Messages[1].ExternalID, "gone@example.org", "failed", "5.1.1"))
		second := write(2)
		if e := second.Events[len(second.Events)-1]; acks(second) != 0 || e.Type != ticketing.EventAckWithheld || e.Data["reason"] != "bounced" {
			h.Errorf("%d acknowledgements, event %+v", acks(second), e)
		}
		h.clock.advance(8 * 24 * time.Hour)
		third := write(3)
		if acks(third) != 1 {
			h.Error("a week later it is not tried again")
		}
		h.receive(h.report(third.Messages[1].ExternalID, "gone@example.org", "failed", "5.2.2"))
		if acks(write(4)) != 1 {
			h.Error("a full mailbox is no address that is gone")
		}
	})
}

// Mails of one address that several processes file at once share the one allowance of the day.
func TestTheCapHoldsAcrossTransactions(t *testing.T) {
	eachHall(t, func(h *hall) {
		h.receive(h.letter("0@example.org", "loop@example.org", "Sujet", "texte"))
		var pullers sync.WaitGroup
		for p := range 6 {
			pullers.Go(func() {
				for i := range 3 {
					id := strconv.Itoa(p) + "." + strconv.Itoa(i)
					if _, err := h.desk.Receive(h.Context(), []channels.Inbound{h.letter(id+"@example.org", "loop@example.org", "Sujet "+id, "texte")}); err != nil {
						h.Error(err)
					}
				}
			})
		}
		pullers.Wait()
		sent, err := h.db.Acknowledgements(h.Context(), []string{"loop@example.org"}, h.clock.now().Add(-time.Hour))
		h.must(err)
		if n := len(sent["loop@example.org"]); n != 5 {
			h.Errorf("%d acknowledgements", n)
		}
	})
}

func TestSpamIsTaggedAndNotAcknowledged(t *testing.T) {
	eachHall(t, func(h *hall) {
		in := h.letter("1@example.org", "anne@example.org", "Gagnez", "Un lampadaire gratuit.")
		in.Spam = "X-Spam-Flag: YES"
		d := h.dossier(h.receive(in)[0].Reference)
		e := d.Events[len(d.Events)-1]
		if !d.Ticket.Tags.Has(ticketing.TagSpam) || len(d.Messages) != 1 || e.Type != ticketing.EventAckWithheld || e.Data["reason"] != "spam" || d.Ticket.Status != ticketing.StatusNew {
			h.Errorf("%+v, %d messages, event %+v", d.Ticket, len(d.Messages), e)
		}
	})
}
