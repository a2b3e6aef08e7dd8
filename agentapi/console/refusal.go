package console

import (
	"errors"
	"net/http"
	"strings"

	"guichet/channels"
	"guichet/ticketing"
)

// refuse shows the ticket again as it is now, with what was refused, what was kept and what to do. A ticket that is not there, or
// not for her, is agentapi's to answer.
func (c *Console) refuse(r *request, err error, typed compose, move moveForm) error {
	if errors.Is(err, ticketing.ErrNotFound) {
		return err
	}
	status, key := refusal(err)
	if status == http.StatusInternalServerError {
		c.log.Error("an action failed", "path", r.FullPath(), "agent_id", r.actor.ID, "error", err)
	}
	a := r.voice.alert(key)
	if key == "refuse.text_too_long" && typed.Channel == string(channels.SMS) {
		a.Title = r.voice.say("refuse.sms_too_long")
		a.Detail = r.voice.say("refuse.sms_too_long_detail", "Count", channels.CountSegments(typed.Text).Count, "Max", ticketing.MaxSegments)
	}
	if typed.Text != "" || typed.Note != "" || move.Reason != "" {
		a.Detail = strings.TrimSpace(a.Detail + " " + r.voice.say("refuse.kept"))
	}
	if key == "refuse.key_reused" {
		typed.Key, typed.NoteKey = "", "" // the next try is a new one
	}
	if again := c.showTicket(r, status, a, typed, move); again != nil {
		return errors.Join(err, again)
	}
	return nil
}

// alert puts a refusal into words.
func (v *voice) alert(key string) *alert {
	return &alert{Title: v.say(key), Detail: v.say(key + "_detail")}
}

// refusal gives the status of the page that says so, and the key of the words. Each key has a second one, with "_detail".
func refusal(err error) (status int, key string) {
	var e *ticketing.Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, "refuse.failed"
	}
	switch e.Code {
	case ticketing.CodeStale:
		return http.StatusConflict, "refuse.stale"
	case ticketing.CodeConflict:
		return http.StatusConflict, conflictKey(e.Reason)
	case ticketing.CodeInvalid:
		return http.StatusUnprocessableEntity, invalidKey(e.Field, e.Reason)
	case ticketing.CodeRejected:
		return http.StatusUnprocessableEntity, "refuse.invalid"
	case ticketing.CodeForbidden:
		return http.StatusForbidden, "refuse.forbidden"
	case ticketing.CodeFull:
		return http.StatusConflict, "refuse.full"
	case ticketing.CodeReused:
		return http.StatusConflict, "refuse.key_reused"
	case ticketing.CodeUnavailable:
		return http.StatusServiceUnavailable, "refuse.unavailable"
	}
	return http.StatusInternalServerError, "refuse.failed"
}

func conflictKey(reason string) string {
	switch reason {
	case "closed":
		return "refuse.closed"
	case "already_taken":
		return "refuse.already_taken"
	case "no_mailbox":
		return "refuse.no_mailbox"
	case "no_address":
		return "refuse.no_address"
	case "no_line":
		return "refuse.no_line"
	case "no_mobile":
		return "refuse.no_mobile"
	case "said_stop":
		return "refuse.said_stop"
	case "no_department":
		return "refuse.no_department"
	case "merged":
		return "refuse.merged"
	case "moved":
		return "refuse.moved"
	case "not_closed":
		return "refuse.not_closed"
	case "not_resendable":
		return "refuse.not_resendable"
	case "too_many_files":
		return "refuse.uploads_full"
	case "target_closed":
		return "refuse.target_closed"
	case "citizen_exists":
		return "refuse.again"
	case "too_many_openings":
		return "refuse.too_many_openings"
	}
	return "refuse.conflict"
}

func invalidKey(field, reason string) string {
	switch {
	case reason == "not_text":
		return "refuse.not_text"
	case reason == "not_by_text":
		return "refuse.not_by_text"
	case reason == "not_a_mobile_number":
		return "refuse.mobile"
	case field == "text" && reason == "empty":
		return "refuse.text_empty"
	case field == "text" && reason == "too_long":
		return "refuse.text_too_long"
	case field == "into" && reason == "itself":
		return "refuse.itself"
	case field == "into":
		return "refuse.into"
	case field == "message_ids":
		return "refuse.messages"
	case field == "tags":
		return "refuse.tags"
	case field == "snoozed_until":
		return "refuse.snoozed_until"
	case field == "reason" && reason == "too_long":
		return "refuse.reason_too_long"
	case field == "reason":
		return "refuse.reason_empty"
	case field == "department":
		return "refuse.department"
	case field == "agent":
		return "refuse.agent"
	case field == "to":
		return "refuse.address"
	case field == "cc" && reason == "too_many":
		return "refuse.cc_too_many"
	case field == "cc":
		return "refuse.cc"
	case field == "file", field == "attachments":
		return fileKey(reason)
	case field == "subject" && reason == "too_long":
		return "refuse.subject_too_long"
	case field == "subject":
		return "refuse.subject_empty"
	case field == "citizen.contacts" && reason == "not_an_e_mail_address":
		return "refuse.email"
	case field == "citizen.contacts":
		return "refuse.phone"
	case strings.HasPrefix(field, "citizen"):
		return "refuse.citizen"
	case field == "desk":
		return "refuse.desk"
	case field == "documents":
		return "refuse.documents"
	case field == "receipt.to" && reason == "not_an_e_mail_address":
		return "refuse.email"
	case field == "receipt.to":
		return "refuse.receipt_to"
	case field == "received_at":
		return "refuse.received_at"
	}
	return "refuse.invalid"
}

func fileKey(reason string) string {
	switch reason {
	case "file_empty":
		return "refuse.file_empty"
	case "file_too_large":
		return "refuse.file_too_large"
	case "files_too_large":
		return "refuse.files_too_large"
	case "too_many":
		return "refuse.files_too_many"
	}
	return "refuse.file_unknown"
}

// unixLines undoes what forms do to the ends of lines (CR LF).
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
