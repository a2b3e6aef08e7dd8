package mailtest

import (
	"encoding/json"
	"strings"

	"github.com/emersion/go-sasl"
)

// bearer is the server's side of both mechanisms. What it refuses it explains in a challenge first, and says no only when that is
// answered (RFC 7628 section 3.2.3).
type bearer struct {
	mechanism string
	admit     func(user, token string) error
	refused   error
}

var _ sasl.Server = (*bearer)(nil)

// Next takes what the client says.
func (b *bearer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case b.refused != nil:
		return nil, false, b.refused
	case response == nil:
		return nil, false, nil // say it now
	}
	if b.refused = b.admit(b.read(string(response))); b.refused == nil {
		return nil, true, nil
	}
	challenge, err = json.Marshal(map[string]string{"status": "invalid_token", "schemes": "bearer"})
	return challenge, false, err
}

// read takes user and token from "user=U^Aauth=Bearer T^A^A" or "n,a=U,^Aauth=Bearer T^A^A"; anything else is nobody.
func (b *bearer) read(said string) (user, token string) {
	fields := strings.Split(said, "\x01")
	if len(fields) != 4 || fields[2] != "" || fields[3] != "" {
		return "", ""
	}
	before, after := "user=", ""
	if b.mechanism == "OAUTHBEARER" {
		before, after = "n,a=", ","
	}
	user, named := strings.CutPrefix(fields[0], before)
	user, ended := strings.CutSuffix(user, after)
	token, bearing := strings.CutPrefix(fields[1], "auth=Bearer ")
	if !named || !ended || !bearing {
		return "", ""
	}
	return user, token
}
