package ticketing

import (
	"embed"
	"fmt"
	"html"
	"net/url"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"
)

//go:embed texts/*.yaml
var firstTexts embed.FS

// Texts are the messages citizens receive, by code and language, ready to be filled in.
type Texts struct {
	byKey map[textKey]parsedText
}

type textKey struct{ code, language string }

type parsedText struct{ subject, body *template.Template }

// TextData is what a text may say. Texts and what is filled into them are Markdown, but for what a citizen wrote.
type TextData struct {
	Reference  string
	Subject    string // the citizen's own words
	Town       string
	Department string
	Address    string // of the department, on as many lines as it has; the town's where it has none
	Email      string // the mailbox the message leaves by
	ReceivedOn string
	Agent      string // first name and name
	Signature  string // her function
	Text       string // what she wrote
	Digit      string // what a caller presses
	Opens      string // when the town hall opens next, as it is spoken; empty: nobody knows
}

// Renderer makes the HTML of a text in Markdown, a whole document in a language.
type Renderer func(text, language string) (html string, err error)

// FirstTemplates are the texts a town starts with.
func FirstTemplates() ([]Template, error) {
	var all []Template
	for _, language := range []string{"fr", "en"} {
		raw, err := firstTexts.ReadFile("texts/" + language + ".yaml")
		if err != nil {
			return nil, err
		}
		var file struct {
			Templates []TemplateEntry `yaml:"templates"`
		}
		if err := yaml.Unmarshal(raw, &file); err != nil {
			return nil, fmt.Errorf("texts/%s.yaml: %w", language, err)
		}
		for _, e := range file.Templates {
			all = append(all, Template{Code: e.Code, Language: language, Subject: e.Subject, Body: e.Body})
		}
	}
	return all, nil
}

// ParseTexts reads templates; a later one replaces an earlier one of the same code and language.
func ParseTexts(templates []Template) (Texts, error) {
	t := Texts{byKey: map[textKey]parsedText{}}
	for _, from := range templates {
		name := from.Code + "/" + from.Language
		subject, err := template.New(name).Option("missingkey=error").Parse(from.Subject)
		if err != nil {
			return Texts{}, fmt.Errorf("subject of template %s: %w", name, err)
		}
		body, err := template.New(name).Option("missingkey=error").Parse(from.Body)
		if err != nil {
			return Texts{}, fmt.Errorf("body of template %s: %w", name, err)
		}
		parsed := parsedText{subject: subject, body: body}
		if _, _, err := parsed.fill(TextData{}); err != nil {
			return Texts{}, fmt.Errorf("template %s: %w", name, err)
		}
		t.byKey[textKey{from.Code, from.Language}] = parsed
	}
	return t, nil
}

// Fill writes the first of these texts that the town has in a language, in French when it has none of them in it.
func (t Texts) Fill(language string, data TextData, codes ...string) (subject, body string, err error) {
	for _, l := range []string{language, "fr"} {
		for _, code := range codes {
			if p, ok := t.byKey[textKey{code, l}]; ok {
				return p.fill(data)
			}
		}
	}
	return "", "", fmt.Errorf("there is no template %q", codes)
}

// Form is a text with everything in it but what differs from one ticket to the next. It costs the reading of a template and of
// Markdown once, and each message made of it next to nothing.
type Form struct{ subject, text, html string }

// The places of a Form. They are noncharacters, which no text has (Unicode 23.7): they survive a template and Markdown as they are,
// and what a citizen wrote is never read as Markdown.
const (
	placeReference  = "\uFDD0"
	placeReceivedOn = "\uFDD1"
	placeSubject    = "\uFDD2"
)

// Form fills a text in as Fill does, but for Reference, ReceivedOn and Subject, which are left open.
func (t Texts) Form(render Renderer, language string, data TextData, codes ...string) (Form, error) {
	data.Reference, data.ReceivedOn = placeReference, placeReceivedOn
	if data.Subject != "" {
		data.Subject = placeSubject
	}
	subject, text, err := t.Fill(language, data, codes...)
	if err != nil {
		return Form{}, err
	}
	document, err := render(text, language)
	return Form{subject: subject, text: text, html: document}, err
}

// Write gives the message of one ticket.
func (f Form) Write(data TextData) (subject, text, document string) {
	var plain, escaped []string
	for place, value := range map[string]string{placeReference: data.Reference, placeReceivedOn: data.ReceivedOn, placeSubject: data.Subject} {
		plain = append(plain, place, value)
		escaped = append(escaped, place, html.EscapeString(value), url.PathEscape(place), url.PathEscape(value)) // the second in a link
	}
	inText := strings.NewReplacer(plain...)
	return inText.Replace(f.subject), inText.Replace(f.text), strings.NewReplacer(escaped...).Replace(f.html)
}

func (p parsedText) fill(data TextData) (subject, body string, err error) {
	var s, b strings.Builder
	if err := p.subject.Execute(&s, data); err != nil {
		return "", "", err
	}
	if err := p.body.Execute(&b, data); err != nil {
		return "", "", err
	}
	return strings.TrimSpace(s.String()), strings.TrimSpace(b.String()) + "\n", nil
}
