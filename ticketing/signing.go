package ticketing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// Keys sign what comes back to us by mail: Message-IDs and reply tokens. Only they may name a ticket to join, because a guessed
// reference must not open somebody's file.
type Keys struct {
	current []byte
	old     [][]byte // still believed, no longer used
}

// NewKeys makes keys from the current secret and those that were used before.
func NewKeys(current []byte, old ...[]byte) Keys { return Keys{current: current, old: old} }

// A signature is the first eight bytes of an HMAC-SHA256: short enough for the local part of an address (64 characters, RFC 5321
// section 4.5.3.1.1), long enough that guessing takes more mails than a server accepts in a century. Base32, because mail servers
// are free to change the case of a local part.
const (
	idLength  = 26 // of 16 bytes in base32
	macLength = 13 // of 8 bytes in base32
)

func base32hex() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

func (k Keys) mac(key []byte, purpose, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose + ":" + text))
	return base32hex().EncodeToString(h.Sum(nil)[:8])
}

func (k Keys) signed(purpose, text, mac string) bool {
	ok := hmac.Equal([]byte(k.mac(k.current, purpose, text)), []byte(mac))
	for _, old := range k.old {
		ok = hmac.Equal([]byte(k.mac(old, purpose, text)), []byte(mac)) || ok
	}
	return ok
}

// MessageID makes the Message-ID of a message we send, without angle brackets; it says which ticket and message it is.
func (k Keys) MessageID(ticketID, messageID, host string) string {
	text := packID(ticketID) + "." + packID(messageID)
	return "g." + text + "." + k.mac(k.current, "message", text) + "@" + host
}

// ReadMessageID gives the ticket of a Message-ID of ours, if the signature is right.
func (k Keys) ReadMessageID(id string) (ticketID string, ok bool) {
	ticketID, _, ok = k.ReadMessage(id)
	return ticketID, ok
}

// ReadMessage gives the ticket a Message-ID of ours was made for and the message, if the signature is right.
func (k Keys) ReadMessage(id string) (ticketID, messageID string, ok bool) {
	local, _, _ := strings.Cut(strings.ToLower(id), "@")
	parts := strings.Split(local, ".")
	if len(parts) != 4 || parts[0] != "g" || !k.signed("message", parts[1]+"."+parts[2], parts[3]) {
		return "", "", false
	}
	ticketID, ok = unpackID(parts[1])
	if !ok {
		return "", "", false
	}
	messageID, ok = unpackID(parts[2])
	return ticketID, messageID, ok
}

// PseudoReference is a constant Message-ID of a ticket, so that programs which rewrite ours still show one thread. It is never
// matched on.
func PseudoReference(ticketID, host string) string { return "ticket-" + packID(ticketID) + "@" + host }

func isPseudoReference(id string) bool {
	local, _, _ := strings.Cut(strings.ToLower(id), "@")
	packed, ok := strings.CutPrefix(local, "ticket-")
	if !ok || len(packed) != idLength {
		return false
	}
	_, ok = unpackID(packed)
	return ok
}

// ReplyAddress puts a reply token for the ticket into an address: contact+token@host.
func (k Keys) ReplyAddress(ticketID, address string) string {
	local, host, ok := strings.Cut(address, "@")
	if !ok {
		return address
	}
	id := packID(ticketID)
	return local + "+" + id + k.mac(k.current, "reply", id) + "@" + host
}

// ReadReplyAddress gives the ticket of an address that carries one of our reply tokens.
func (k Keys) ReadReplyAddress(address string) (ticketID string, ok bool) {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	_, token, found := strings.Cut(local, "+")
	if !found || len(token) != idLength+macLength {
		return "", false
	}
	id, mac := token[:idLength], token[idLength:]
	if !k.signed("reply", id, mac) {
		return "", false
	}
	return unpackID(id)
}

func packID(id string) string {
	u, err := uuid.Parse(id)
	if err != nil {
		return ""
	}
	return base32hex().EncodeToString(u[:])
}

func unpackID(s string) (string, bool) {
	b, err := base32hex().DecodeString(s)
	if err != nil {
		return "", false
	}
	u, err := uuid.FromBytes(b)
	return u.String(), err == nil
}
