package ticketing_test

import (
	"fmt"
	"testing"

	"guichet/channels"
	"guichet/ticketing"
)

// liveCall gives the only call under way.
func (h *hall) liveCall() ticketing.Call {
	h.Helper()
	calls, err := h.db.LiveCalls(h.Context(), h.clock.now().AddDate(0, 0, -1))
	h.must(err)
	if len(calls) != 1 {
		h.Fatalf("%d calls are under way", len(calls))
	}
	return calls[0]
}

func (h *hall) note(call string, change func(c *ticketing.NewContact)) ticketing.Ticket {
	h.Helper()
	c := ticketing.NewContact{
		Channel: channels.Phone, CallID: call, Subject: "Trou rue Pasteur", Text: "Elle est tombée.",
		Citizen: &ticketing.CitizenDraft{Family: "Diallo", Given: "Mariam", Contacts: []ticketing.Contact{{Type: "phone", Value: anne}}},
	}
	if change != nil {
		change(&c)
	}
	t, err := h.desk.Log(h.Context(), h.actor("agent"), c)
	h.must(err)
	return t
}

// TestACallIsNoted writes a contact down while its call rings, while somebody talks and after: one ticket each time.
func TestACallIsNoted(t *testing.T) {
	taken := channels.CallNews{ID: "c1", Step: channels.CallAnswered, Agents: []string{"agent@valmont.example"}}
	unknown := channels.CallNews{ID: "c1", Step: channels.CallAnswered, Agents: []string{"poste 99"}}
	over := channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndAnswered}
	for name, news := range map[string][]channels.CallNews{"taken": {rang("c1", anne), taken, over}, "taken by nobody we know": {rang("c1", anne), unknown, over}} {
		for noted := range len(news) {
			for _, answered := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d %t", name, noted, answered), func(t *testing.T) {
					eachHall(t, func(h *hall) {
						call := ""
						for i, n := range news {
							h.ring(n)
							if i == 0 {
								call = h.liveCall().ID
							}
							if i == noted {
								h.note(call, func(c *ticketing.NewContact) { c.Answered, c.Key = answered, "k" })
								h.note(call, func(c *ticketing.NewContact) { c.Answered, c.Key = answered, "k" })
							}
						}
						rows := h.phoneTickets()
						if len(rows) != 1 {
							h.Fatalf("noted after %d: %d tickets", noted, len(rows))
						}
						d := h.dossier(rows[0].Reference())
						if d.Ticket.Subject != "Trou rue Pasteur" || d.Citizen == nil || d.Citizen.Name() != "Mariam Diallo" || len(d.Citizen.Contacts) != 1 {
							h.Errorf("noted after %d: %q of %+v", noted, d.Ticket.Subject, d.Citizen)
						}
						if (d.Ticket.Status == ticketing.StatusClosed) != answered {
							h.Errorf("noted after %d: it is %s", noted, d.Ticket.Status)
						}
						if len(d.Calls) != 1 || d.Calls[0].ID != call || len(d.Messages) != 2 || !d.Calls[0].Answered() {
							h.Errorf("noted after %d: calls %+v, %d messages", noted, d.Calls, len(d.Messages))
						}
					})
				})
			}
		}
	}
}

// TestWhoseACallIs makes a noted call the citizen's whom the agent names: of a hidden number, of a known one, of one that somebody else uses.
func TestWhoseACallIs(t *testing.T) {
	eachHall(t, func(h *hall) {
		known := h.note("", nil)
		nobody := func(c *ticketing.NewContact) { c.Citizen = nil }
		other := func(c *ticketing.NewContact) { c.Citizen = &ticketing.CitizenDraft{Family: "Nguyen"} }
		chosen := func(c *ticketing.NewContact) { c.Citizen, c.CitizenID = nil, *known.CitizenID }
		for _, c := range []struct {
			id, from string
			change   func(c *ticketing.NewContact)
			name     string
		}{
			{"hidden", "", other, "Nguyen"}, {"hidden, of nobody", "", nobody, ""}, {"hidden, chosen", "", chosen, "Mariam Diallo"},
			{"known", anne, nobody, "Mariam Diallo"}, {"known, by name", anne, nil, "Mariam Diallo"}, {"somebody else", anne, other, "Nguyen"},
		} {
			id := c.id
			h.ring(rang(id, c.from))
			call := h.liveCall().ID
			h.ring(channels.CallNews{ID: id, Step: channels.CallAnswered, Agents: []string{"agent@valmont.example"}})
			d := h.dossier(h.note(call, func(n *ticketing.NewContact) {
				n.Answered = true
				if c.change != nil {
					c.change(n)
				}
			}).Reference())
			got := ""
			if d.Citizen != nil {
				got = d.Citizen.Name()
			}
			if got != c.name || len(d.Calls) != 1 {
				h.Errorf("%s: it is of %q, with %d calls", id, got, len(d.Calls))
			}
			h.ring(channels.CallNews{ID: id, Step: channels.CallEnded, End: channels.EndAnswered})
		}
	})
}

// TestACallOfAnotherHouse refuses a call the agent may not know of, and one that is none.
func TestACallOfAnotherHouse(t *testing.T) {
	eachHall(t, func(h *hall) {
		hidden := rang("c1", anne)
		hidden.Department = "ccas"
		h.ring(hidden)
		for _, id := range []string{h.liveCall().ID, ticketing.NewID(), "x"} {
			_, err := h.desk.Log(h.Context(), h.actor("agent"), ticketing.NewContact{Channel: channels.Phone, CallID: id, Subject: "Trou", Citizen: &ticketing.CitizenDraft{Family: "Diallo"}})
			h.refused("a contact of a call that is not hers", err, ticketing.CodeInvalid, "unknown")
		}
	})
}
