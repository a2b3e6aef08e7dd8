package console

import (
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// entry is one thing that happened on a ticket: an exchange, or a line about it.
type entry struct {
	At      time.Time
	Message *messageEntry
	Event   *eventEntry
}

// messageEntry is an exchange as it is shown.
type messageEntry struct {
	ticketing.Message
	Who         string
	To          string
	Copies      string // who got it too
	Refused     string // those of its recipients whose server would not have it, though it went to others
	Resend      *resendForm
	By          string // the agent who wrote a contact down
	Shown       string
	Quoted      string // earlier words, folded away
	QuotedLines int
	Cut         bool       // the rest is in the original
	Waits       *time.Time // a text message that waits for the end of the quiet hours leaves then
	Call        *callEntry // the call this message stands for
}

// resendForm sends again what did not arrive.
type resendForm struct{ Key, Ref, Suffix string }

// eventEntry is a small line between exchanges.
type eventEntry struct {
	Icon string
	Text string
}

const (
	maxShown   = 16 << 10 // bytes of one message on the page
	maxEntries = 80       // exchanges and lines on the page
)

// story joins exchanges and events in the order of time. All of it, or the last part and how many were left out.
func (c *Console) story(r *request, d ticketing.Dossier, all bool) (list []entry, earlier int) {
	mayResend := r.actor.Can(ticketing.ActReply, c.town.Now().Subject(d.Ticket))
	calls := map[string]ticketing.Call{}
	for _, call := range d.Calls {
		if call.MessageID != nil {
			calls[*call.MessageID] = call
		}
	}
	shown := map[string]bool{}
	for _, m := range d.Messages {
		e := c.messageEntry(r.voice, d, m)
		if call, ok := calls[m.ID]; ok {
			e.Call, e.By = c.callEntry(r.voice, call), ""
		}
		shown[m.ID] = true
		if mayResend && m.Delivery != nil && m.Delivery.State.Undelivered() {
			e.Resend = &resendForm{Key: ticketing.NewID(), Ref: d.Ticket.Reference(), Suffix: readList(r.Request.URL.Query()).Suffix()}
		}
		list = append(list, entry{At: m.At, Message: e})
	}
	for _, e := range d.Events {
		if e.MessageID != nil && shown[*e.MessageID] && toldByMessage(e.Type) {
			continue
		}
		if line := c.eventEntry(r, e); line != nil {
			list = append(list, entry{At: e.At, Event: line})
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.At.Compare(b.At) })
	if !all && len(list) > maxEntries {
		earlier = len(list) - maxEntries
		list = list[earlier:]
	}
	return list, earlier
}

// toldByMessage tells whether the line of an event would only repeat the message it is about.
func toldByMessage(t ticketing.EventType) bool {
	return slices.Contains([]ticketing.EventType{
		ticketing.EventCallRang, ticketing.EventCallAnswered, ticketing.EventCallEnded, ticketing.EventReceiptQueued,
	}, t)
}

func (c *Console) messageEntry(v *voice, d ticketing.Dossier, m ticketing.Message) *messageEntry {
	e := &messageEntry{Message: m, Shown: m.Text}
	if m.Folded > 0 && m.Folded < len(m.Text) {
		e.Shown, e.Quoted = m.Text[:m.Folded], m.Text[m.Folded:]
	}
	e.Shown, e.Cut = shorten(strings.Trim(e.Shown, "\r\n\t "))
	var cut bool
	e.Quoted, cut = shorten(strings.Trim(e.Quoted, "\r\n"))
	e.Cut = e.Cut || cut
	if e.Quoted != "" {
		e.QuotedLines = strings.Count(e.Quoted, "\n") + 1
	}
	switch {
	case m.Direction == ticketing.In:
		e.Who = firstOf(m.FromName, nameAt(d.Citizen, m.FromValue), readablePhone(m.FromValue))
		if e.Who == "" && d.Citizen != nil {
			e.Who = ticketing.DisplayName(*d.Citizen)
		}
		if e.Who == "" {
			e.Who = v.say("ticket.unknown_sender")
		}
		if m.AgentID != nil {
			e.By = c.agentName(v, m.AgentID)
		}
	default:
		e.Who = c.agentName(v, m.AgentID)
	}
	if len(m.To) > 0 {
		e.To = readablePhone(m.To[0].Value)
	}
	var copies []string
	for _, a := range m.Cc {
		copies = append(copies, a.Value)
	}
	e.Copies = strings.Join(copies, ", ")
	if s := m.Delivery; s != nil && (s.State == ticketing.DeliverySent || s.State == ticketing.DeliveryDelivered) {
		e.Refused = strings.TrimPrefix(s.Error, "not delivered to ") // the words of channels/email; the page has its own
	}
	if s := m.Delivery; s != nil && m.Channel == string(channels.SMS) && s.State == ticketing.DeliveryQueued && s.Attempts == 0 && s.NextAt.After(c.now()) {
		e.Waits = &s.NextAt
	}
	return e
}

// textTroubles lists why a text message may not have arrived.
func textTroubles() []string {
	return texts([]ticketing.Undelivered{
		ticketing.NoSuchAddress, ticketing.SaidStop, ticketing.NoMobile, ticketing.Unreachable, ticketing.RefusedByPolicy, ticketing.UnknownReason,
	})
}

// nameAt names the citizen, if it is hers that a number is: a text message and a call tell no name.
func nameAt(c *ticketing.Citizen, number string) string {
	if c == nil || !slices.ContainsFunc(c.Contacts, func(k ticketing.Contact) bool { return k.Type == "phone" && k.Value == number }) {
		return ""
	}
	return c.Name()
}

// shorten cuts a text that would make the page heavy, at the end of a line where there is one.
func shorten(text string) (string, bool) {
	if len(text) <= maxShown {
		return text, false
	}
	text = text[:maxShown]
	if i := strings.LastIndexByte(text, '\n'); i > maxShown/2 {
		text = text[:i]
	}
	return strings.ToValidUTF8(text, "") + "…", true
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// eventEntry makes the line of an event; one that a message already shows has none.
func (c *Console) eventEntry(r *request, e ticketing.Event) *eventEntry {
	v := r.voice
	who := c.agentName(v, e.AgentID)
	line := func(icon, key string, args ...any) *eventEntry {
		return &eventEntry{Icon: icon, Text: v.say(key, append(args, "Who", who)...)}
	}
	reason := e.Data["reason"]
	because := func(l *eventEntry) *eventEntry {
		if reason != "" {
			l.Text = v.say("event.because", "Line", l.Text, "Reason", reason)
		}
		return l
	}
	switch e.Type {
	case ticketing.EventTicketCreated:
		return c.createdEntry(r, e)
	case ticketing.EventTicketTaken:
		return line("hand", "event.taken")
	case ticketing.EventTicketReleased:
		return because(line("back", "event.released"))
	case ticketing.EventTicketAssigned:
		id := e.Data["agent"]
		return because(line("hand", "event.assigned", "Agent", c.agentName(v, &id)))
	case ticketing.EventTicketTransferred:
		return because(line("forward", "event.transferred", "From", c.departmentFor(r, e.Data["from"]), "To", c.departmentFor(r, e.Data["to"])))
	case ticketing.EventTicketClosed:
		return because(line("check", "event.closed", "Outcome", v.word("outcome", e.Data["outcome"])))
	case ticketing.EventTicketReopened:
		if reason == "citizen" {
			return line("back", "event.reopened_by_citizen")
		}
		return because(line("back", "event.reopened"))
	case ticketing.EventTicketChanged:
		var fields []string
		for _, f := range vocabularies()["field"] {
			if _, ok := e.Data[f]; ok {
				fields = append(fields, v.word("field", f))
			}
		}
		return line("pen", "event.changed", "Fields", strings.Join(fields, ", "))
	case ticketing.EventTicketMerged:
		if e.Data["into"] != "" {
			return because(line("forward", "event.merged"))
		}
		return because(line("forward", "event.merged_here"))
	case ticketing.EventCitizenMerged:
		return line("forward", "event.citizen_merged")
	case ticketing.EventCitizenUnmerged:
		return line("back", "event.citizen_unmerged")
	case ticketing.EventTicketSplit:
		return line("forward", "event.split", "Department", c.departmentFor(r, e.Data["to"]))
	case ticketing.EventTicketOpened:
		return because(line("lock", "event.opened"))
	case ticketing.EventTicketForwarded:
		return because(line("forward", "event.forwarded"))
	case ticketing.EventMessageReceived:
		if e.Data["quarantine"] != "" {
			return line("hand", "event.left_quarantine")
		}
	case ticketing.EventMessageResent:
		return line("forward", "event.resent")
	case ticketing.EventAckWithheld:
		return line("gear", "event.ack_withheld", "Reason", v.word("withheld", reason))
	case ticketing.EventRefused:
		return line("sms", "event.text_refused")
	case ticketing.EventRefusalLifted:
		return line("sms", "event.text_accepted")
	case ticketing.EventCallRang:
		return line("phone", "event.call_rang")
	case ticketing.EventCallAnswered:
		return line("phone", "event.call_answered")
	case ticketing.EventCallEnded:
		return line("phone", "event.call_ended")
	case ticketing.EventReceiptQueued:
		return line("gear", "event.receipt_queued")
	}
	return nil
}

func (c *Console) createdEntry(r *request, e ticketing.Event) *eventEntry {
	department := c.departmentFor(r, e.Department)
	if e.Data["split"] != "" {
		return &eventEntry{"forward", r.voice.say("event.split_from", "Department", department, "Who", c.agentName(r.voice, e.AgentID))}
	}
	if e.AgentID != nil {
		return &eventEntry{"pen", r.voice.say("event.logged", "Department", department, "Who", c.agentName(r.voice, e.AgentID))}
	}
	switch rule, words := e.Data["rule"], e.Data["words"]; {
	case rule != "" && words != "":
		return &eventEntry{"forward", r.voice.say("event.routed_words", "Department", department, "Words", words)}
	case rule != "":
		return &eventEntry{"forward", r.voice.say("event.routed", "Department", department, "Rule", rule)}
	}
	return &eventEntry{"forward", r.voice.say("event.unrouted", "Department", department)}
}

// departmentFor names a department in the past of a ticket, unless the agent may not learn that it was involved.
func (c *Console) departmentFor(r *request, code string) string {
	d, _ := c.town.Now().Department(code)
	if d.Visibility == ticketing.Hidden && !r.actor.Sees(d) {
		return r.voice.say("event.another_department")
	}
	return d.Name(r.voice.language)
}
