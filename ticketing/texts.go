package ticketing

import (
	"embed"
	"fmt"
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

// TextData is what a text may say.
type TextData struct {
	Reference  string
	Subject    string
	Town       string
	Department string
	ReceivedOn string
	Agent      string
	Signature  string
	Text       string
}

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

// Fill writes a text in a language, in French when there is none in it.
func (t Texts) Fill(code, language string, data TextData) (subject, body string, err error) {
	p, ok := t.byKey[textKey{code, language}]
	if !ok {
		p, ok = t.byKey[textKey{code, "fr"}]
	}
	if !ok {
		return "", "", fmt.Errorf("there is no template %q", code)
	}
	return p.fill(data)
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
