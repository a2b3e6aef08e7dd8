package ticketing

import (
	"slices"
	"strings"
)

// callSubjects are the texts that name a ticket by its call.
func callSubjects() []string {
	return []string{"call_taken", "call_made", "call_missed", "call_back", "call_voicemail"}
}

// callSubject names a ticket by its call, in its language.
func (s *Snapshot) callSubject(language, code string, c Call) (string, error) {
	_, words, err := s.Texts.Fill(language, TextData{Subject: c.Shown}, code)
	return clip(strings.TrimSpace(words), 200), wrap("subject", err)
}

// namedByCall tells whether a ticket still has the name that one of its calls gave it, which says less than any that a person gives.
func (s *Snapshot) namedByCall(t Ticket, calls []Call) bool {
	return slices.ContainsFunc(calls, func(c Call) bool {
		return slices.ContainsFunc(callSubjects(), func(code string) bool {
			words, err := s.callSubject(t.Language, code, c)
			return err == nil && words == t.Subject
		})
	})
}
