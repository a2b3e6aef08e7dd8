package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/channels/cti"
	"guichet/channels/twilio"
)

// longestKept is how long the recording of a call may be kept: six months, as the CNIL has it, counted short.
const longestKept = 4464 * time.Hour

// What may stand as a sender beside a number: a name as it appears on a telephone, with a letter in it, or a short code.
var (
	senderName = regexp.MustCompile(`^[A-Za-z0-9 ]{0,10}[A-Za-z][A-Za-z0-9 ]{0,10}$`)
	shortCode  = regexp.MustCompile(`^[0-9]{3,8}$`)
)

func (c Config) validateTwilio(p *problems) {
	o := c.Twilio
	switch {
	case o.Enabled() && o.AuthToken == "":
		p.add("twilio.auth_token", "is missing; give it here, as auth_token_file, or as %sTWILIO_AUTH_TOKEN", prefix)
	case !o.Enabled() && (o.AuthToken != "" || len(o.Lines) > 0):
		p.add("twilio.account_sid", "is missing; copy it from the console of Twilio, where it stands beside the auth token")
	}
	p.secretsTo("twilio.api_base", o.APIBase)
	switch named := senderName.MatchString(o.Sender) && len(o.Sender) <= 11; {
	case o.Sender != "" && o.MessagingServiceSID != "":
		p.add("twilio.messaging_service_sid", "stands beside sender; keep one of them")
	case o.Sender != "" && !named && !shortCode.MatchString(o.Sender) && !isE164(o.Sender):
		p.add("twilio.sender", "%q is neither a number like +33939000000 nor a name of at most 11 letters and digits", o.Sender)
	}
	if o.KeepRecordings <= 0 || o.KeepRecordings > longestKept {
		p.add("twilio.keep_recordings", "%s is not between 0 and 4464h, six months; 720h is a good measure", o.KeepRecordings)
	}
	names, numbers := map[string]string{}, map[string]string{}
	for i, l := range o.Lines {
		at, ok := p.item("twilio.lines", "a line", i, l.Name, names)
		if !ok {
			continue
		}
		if other, taken := numbers[l.Number]; taken {
			p.add(at+".number", "%s is already the number of %s; each line has its own", l.Number, other)
		}
		numbers[l.Number] = l.Name
		validateLine(p, at, l)
	}
}

func validateLine(p *problems, at string, l twilio.Line) {
	if !isE164(l.Number) {
		p.add(at+".number", `%q is not an international number; write for example "+33939000000"`, l.Number)
	}
	if l.Department == "" {
		p.add(at+".department", "is missing; name the department that gets its messages and calls when no rule matches")
	}
	for _, use := range l.Uses {
		if use != "sms" && use != "voice" {
			p.add(at+".uses", "%q is nothing a line is used for; choose sms, voice or both", use)
		}
	}
}

func (c Config) validateCTI(p *problems) {
	names, tokens := map[string]string{}, map[string]string{}
	for i, e := range c.CTI {
		at, ok := p.item("cti", "an exchange", i, e.Name, names)
		if !ok {
			continue
		}
		if other, taken := tokens[e.Token]; taken && e.Token != "" {
			p.add(at+".token", "is also the token of %s; give each exchange its own", other)
		}
		tokens[e.Token] = e.Name
		validateExchange(p, at, e, c.Town.Region)
	}
}

func validateExchange(p *problems, at string, e cti.Exchange, region string) {
	const shortest = 8 // characters
	switch {
	case e.Token == "":
		p.add(at+".token", "is missing; make one with: openssl rand -hex 16, and give it here, as token_file, or as %s%s_TOKEN", prefix, variable(at))
	case len(e.Token) < shortest:
		p.add(at+".token", "has less than %d characters and could be guessed; make one with: openssl rand -hex 16", shortest)
	case url.PathEscape(e.Token) != e.Token:
		p.add(at+".token", "has a sign that cannot stand in an address; make one with: openssl rand -hex 16")
	}
	if !slices.Contains([]string{"", cti.International, cti.National}, e.Numbers) {
		p.add(at+".numbers", "%q is no way of writing numbers; choose international or national", e.Numbers)
	}
	for i, number := range e.Blocked {
		if _, ok := channels.ParsePhone(number, region); !ok {
			p.add(fmt.Sprintf("%s.blocked[%d]", at, i), "is not a telephone number; write it as it is dialled, or with + and the country")
		}
	}
}

// item tries the name of an entry of a list, which variables and the journal call it by, and gives the path of its keys.
func (p *problems) item(list, kind string, i int, name string, names map[string]string) (at string, ok bool) {
	spelt := variable(name)
	if spelt == strings.Repeat("_", len([]rune(name))) { // also the empty name
		p.add(fmt.Sprintf("%s[%d].name", list, i), "%s needs a name with a letter or a digit; variables and the journal call it by that", kind)
		return "", false
	}
	at = join(list, name)
	if other, taken := names[spelt]; taken {
		p.add(at+".name", "is also the name of %s for variables; rename one of them", other)
	}
	names[spelt] = name
	return at, true
}

// isE164 tells whether a number is written as providers want it: a plus, the country and the number.
func isE164(number string) bool {
	e164, ok := channels.ParsePhone(number, "ZZ") // no region: without its country it cannot be read
	return ok && e164 == number
}
