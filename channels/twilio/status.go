package twilio

import (
	"net/http"
	"strings"

	"guichet/channels"
)

// status is told how a message of ours gets on. Statuses come in any order and repeatedly; whoever tracks them ranks them.
func (s *SMS) status(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	state := progressOf(form.Get("MessageStatus"))
	if state == "" { // on its way, or a status that did not exist when this was written
		s.done(w)
		return
	}
	p := channels.Progress{Channel: channels.SMS, ExternalID: form.Get("MessageSid"), State: state, At: s.d.Now()}
	p.MessageID, _ = clean(r.URL.Query().Get("m"), 998) // the longest line of a mail, so of a Message-ID
	if state == channels.ProgressFailed && isSID(form.Get("ErrorCode")) {
		p.Code = form.Get("ErrorCode")
		p.Reason = explain(p.Code)
	}
	if err := s.d.Tracker.Track(r.Context(), p); err != nil {
		s.unavailable(w, "the status of a text message could not be kept; the provider is asked to send it again", err)
		return
	}
	s.done(w)
}

func progressOf(status string) channels.ProgressState {
	switch strings.ToLower(status) {
	case "sent":
		return channels.ProgressSent
	case "delivered", "read":
		return channels.ProgressDelivered
	case "failed", "undelivered":
		return channels.ProgressFailed
	}
	return ""
}
