package ticketing

import (
	"errors"
	"fmt"
)

// Code names what went wrong, for programs; agentapi has the words for people.
type Code string

// The codes of the errors the services return.
const (
	CodeNotFound    Code = "not_found"   // it does not exist, or the actor may not know that it does
	CodeForbidden   Code = "forbidden"   // the actor may see it and may not do this
	CodeConflict    Code = "conflict"    // somebody was faster, or its state does not allow it
	CodeStale       Code = "stale"       // it changed since the version the actor has seen
	CodeInvalid     Code = "invalid"     // a field has a value it can't have
	CodeFull        Code = "at_capacity" // the agent has as many open tickets as she may
	CodeUnavailable Code = "unavailable" // a server Guichet needs does not answer; nothing was changed
	CodeReused      Code = "key_reused"  // an Idempotency-Key came back with another request
	CodeRejected    Code = "rejected"    // the database can't keep such data, now or later
)

// Error is what a service refuses with. Args are filled into the words of Code; Field names the wrong one of CodeInvalid.
type Error struct {
	Code   Code
	Field  string
	Reason string // which sort of it, for the words: "closed", "already_taken", …
	Args   map[string]any
	Err    error // the cause, for the log only
}

// Error implements error, in words for the log.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Field != "" {
		s += " " + e.Field
	}
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes every Error of one code equal for errors.Is.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code && t.Reason == "" && t.Field == ""
}

// The errors to compare with.
var (
	ErrNotFound    = &Error{Code: CodeNotFound}
	ErrForbidden   = &Error{Code: CodeForbidden}
	ErrConflict    = &Error{Code: CodeConflict}
	ErrStale       = &Error{Code: CodeStale}
	ErrInvalid     = &Error{Code: CodeInvalid}
	ErrFull        = &Error{Code: CodeFull}
	ErrUnavailable = &Error{Code: CodeUnavailable}
	ErrRejected    = &Error{Code: CodeRejected}
)

func invalid(field, reason string) error {
	return &Error{Code: CodeInvalid, Field: field, Reason: reason}
}

func conflict(reason string) error {
	return &Error{Code: CodeConflict, Reason: reason}
}

// CodeOf gives the code of err, or "" when it is not one of ours.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
