package email

import (
	"bytes"
	"regexp"
	"strings"

	"guichet/channels"
)

// What a report may cost and say: how much of it is read, and how long a reason an agent is shown, in bytes.
const (
	maxReportText   = 256 << 10
	maxReportBlocks = 200
	maxReason       = 500
)

// The actions of RFC 3464 2.3.3. Only "failed" means that the message did not arrive.
const (
	actionFailed  = "failed"
	actionDelayed = "delayed"
)

// readStatus reads a message/delivery-status body (RFC 3464 2): blocks of fields, one about the message and one for each recipient.
// Of several recipients the first that failed is told, else the first; nil when there is none.
func readStatus(data []byte) *channels.Report {
	var found *channels.Report
	rest := data[:min(len(data), maxReportText)]
	for n := 0; len(rest) > 0 && n < maxReportBlocks; n++ {
		var block head
		block, rest = readBlock(rest)
		action := block.word("Action")
		if action == "" {
			continue
		}
		recipient := typed(block.get("Original-Recipient"))
		if !strings.Contains(recipient, "@") {
			recipient = typed(block.get("Final-Recipient"))
		}
		r := &channels.Report{
			Recipient: cleanAddress(recipient),
			Action:    action,
			Status:    block.word("Status"),
			Reason:    reason(typed(block.get("Diagnostic-Code"))),
		}
		if found == nil || found.Action != actionFailed && r.Action == actionFailed {
			found = r
		}
	}
	return found
}

// readBlock reads fields up to an empty line, whatever their names.
func readBlock(raw []byte) (head, []byte) {
	raw = bytes.TrimLeft(raw, "\r\n")
	var h head
	for lines := 0; len(raw) > 0; lines++ {
		var line []byte
		if line, raw = cutLine(raw); len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if lines < maxHeaderLines {
			h.add(line, false)
		}
	}
	return h, raw
}

// typed drops the type before a value: "rfc822; a@b.fr" gives "a@b.fr".
func typed(value string) string {
	if kind, rest, ok := strings.Cut(value, ";"); ok && !strings.ContainsAny(kind, " @<") {
		value = rest
	}
	return strings.TrimSpace(value)
}

// reason makes one line of the words of another server, short enough to be shown.
func reason(s string) string {
	s = oneLine(s)
	if len(s) > maxReason {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:maxReason-len("…")], "")) + "…"
	}
	return s
}

// The words of servers that report in a text of their own: qmail, Exim, and Postfix or others without parts.
var (
	reportOpening  = regexp.MustCompile(`(?i)hi\. this is the qmail-send program|this message was created automatically by mail delivery software|this is the mail system at host|your message (could not be|wasn['’]t|was not) delivered|undelivered mail returned to sender|delivery (to the following recipients? )?(has )?failed|n['’]a pas pu être (remis|délivré|distribué)|konnte nicht zugestellt werden`)
	reportDelay    = regexp.MustCompile(`(?i)this is a warning message only|has not (yet )?been delivered( yet)?|will be retried|delivery (is|has been) delayed|could not be delivered for more than|you do not need to resend|no action is required on your part`)
	returnedID     = regexp.MustCompile(`(?im)^[ \t>|]*Message-ID:[ \t]*\r?\n?[ \t]*<([^<>\s]{3,250})>`)
	bracketedTo    = regexp.MustCompile(`(?m)^[ \t]*<([^<>\s]+@[^<>\s]+)>(?:[^\n]*?):`)
	indentedTo     = regexp.MustCompile(`(?m)^[ \t]+<?([^<>\s:]+@[^<>\s:]+\.[^<>\s:]+)>?:?[ \t]*$`)
	enhancedStatus = regexp.MustCompile(`\b([245]\.\d{1,3}\.\d{1,3})\b`)
	repliedLine    = regexp.MustCompile(`(?m)^.*\b[45]\d\d[ -].*$`)
)

// readTextReport finds in its words what a bounce without a delivery status tells, for the servers that send such. It is nil unless
// the mail says that it is one: by X-Failed-Recipients, or by a server's address together with the opening such a text has.
func readTextReport(h head, from, text string) *channels.Report {
	failed := reachable(parseAddresses(h.get("X-Failed-Recipients")))
	text = text[:min(len(text), maxReportText)]
	own, opening := text, text[:min(len(text), 4<<10)] // only its beginning is the server's own
	server := local(from) == "mailer-daemon" || local(from) == "postmaster" || from == "" || h.has("Return-Path") && machine(h, from) == bounce
	if len(failed) == 0 && !(server && reportOpening.MatchString(opening)) {
		return nil
	}
	r := &channels.Report{Action: actionFailed}
	if ids := returnedID.FindStringSubmatchIndex(text); ids != nil {
		r.ID, own = text[ids[2]:ids[3]], text[:ids[0]]
	}
	if len(failed) == 0 && reportDelay.MatchString(opening) {
		r.Action = actionDelayed
	}
	after := own
	if at := bracketedTo.FindStringSubmatchIndex(own); at != nil {
		r.Recipient, after = own[at[2]:at[3]], own[at[0]:]
	} else if at := indentedTo.FindStringSubmatchIndex(own); at != nil {
		r.Recipient, after = own[at[2]:at[3]], own[at[1]:]
	}
	if len(failed) > 0 {
		r.Recipient = failed[0].Value
	}
	// The server's answer is a paragraph: the line that has a code in it, with those it is wrapped over.
	after, _, _ = strings.Cut(strings.TrimLeft(after, "\r\n"), "\n\n")
	if !repliedLine.MatchString(after) {
		if line := repliedLine.FindString(own); line != "" {
			after = line
		}
	}
	r.Reason = reason(after)
	r.Status = enhancedStatus.FindString(after)
	if r.ID == "" && r.Recipient == "" {
		return nil
	}
	return r
}
