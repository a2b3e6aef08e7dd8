package twiliotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with a request. Exactly one of the first four is set.
type Fault struct {
	Status    int  // answered with, and Code in its body when there is one
	Hang      bool // no answer until the client gives up
	CutBefore bool // the connection breaks, and nothing was taken
	CutAfter  bool // the message is taken, and the connection breaks before the answer

	Code       int           // the provider's, see www.twilio.com/docs/api/errors
	RetryAfter time.Duration // whole seconds, said with Status
	Times      int           // how often it goes wrong; 0: until it is mended
}

// Throttled is the answer to too many requests.
func Throttled(retryAfter time.Duration) Fault {
	return Fault{Status: http.StatusTooManyRequests, Code: 20429, RetryAfter: retryAfter}
}

// Rejected is the answer to a message that will never be taken: 21211, 21610, 21614…
func Rejected(code int) Fault { return Fault{Status: http.StatusBadRequest, Code: code} }

// Fail makes what is sent to a number go wrong; with no number, every request to the API does.
func (p *Provider) Fail(number string, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[number] = &f
}

// Mend ends what Fail began.
func (p *Provider) Mend(number string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.faults, number)
}

// fault is what goes wrong now with a request, and counts it.
func (p *Provider) fault(number string) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, of := range []string{"", number} {
		f, ok := p.faults[of]
		if !ok {
			continue
		}
		if f.Times == 1 {
			delete(p.faults, of)
		}
		f.Times--
		return *f, true
	}
	return Fault{}, false
}

// fails answers a request that goes wrong. CutAfter is left to whoever takes the message.
func (p *Provider) fails(w http.ResponseWriter, r *http.Request, f Fault) {
	switch {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-p.ctx.Done():
		}
	case f.CutBefore, f.CutAfter:
		cut(w)
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
		}
		answerError(w, f.Status, f.Code)
	}
}

// cut breaks the connection of a request.
func cut(w http.ResponseWriter) {
	if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = connection.Close() // that is the point
	}
}

// answerError answers as the API does. Without a code it is an answer of whatever stands before the API, which speaks no JSON.
func answerError(w http.ResponseWriter, status, code int) {
	if code == 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	answerJSON(w, status, map[string]any{
		"code": code, "message": message(code), "status": status, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	})
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own affair
}

// message is what the API says with a code.
func message(code int) string {
	switch code {
	case 20001:
		return "Unknown parameters"
	case 20003:
		return "Authenticate"
	case 20404:
		return "The requested resource was not found"
	case 20429:
		return "Too Many Requests"
	case 21211:
		return "Invalid 'To' Phone Number"
	case 21212:
		return "Invalid 'From' Phone Number"
	case 21602:
		return "Message body is required."
	case 21603:
		return "A 'From' phone number is required."
	case 21609:
		return "Invalid 'StatusCallback' URL"
	case 21610:
		return "Attempt to send to unsubscribed recipient"
	case 21614:
		return "'To' number is not a valid mobile number"
	case 21617:
		return "The concatenated message body exceeds the 1600 character limit"
	case 21620:
		return "Invalid media URL(s)"
	case 21701:
		return "The Messaging Service does not exist"
	}
	return "Error " + strconv.Itoa(code)
}
