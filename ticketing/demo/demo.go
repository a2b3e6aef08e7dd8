// Package demo is the town of Valmont: its departments, rules and agents, and the citizens who write, text and call. The letters are
// invented; they are real mails once Mail has written them down.
package demo

import (
	"bytes"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"guichet/ticketing"
)

//go:embed valmont.yaml letters.yaml texts.yaml calls.yaml
var files embed.FS

// Town gives Valmont as `guichet import` reads it.
func Town() (ticketing.TownFile, error) {
	raw, err := files.ReadFile("valmont.yaml")
	if err != nil {
		return ticketing.TownFile{}, err
	}
	return ticketing.ReadTownFile(raw)
}

// Letter is what one citizen writes, and how she answers an agent.
type Letter struct {
	From struct {
		Name  string `yaml:"name"`
		Email string `yaml:"email"`
	} `yaml:"from"`
	Subject  string   `yaml:"subject"`
	Text     string   `yaml:"text"`
	Language string   `yaml:"language"`
	Photo    string   `yaml:"photo"` // name of a picture to attach; empty: none
	HTML     bool     `yaml:"html"`  // written by a program that also sends HTML
	Answers  []string `yaml:"answers"`
	Expect   struct {
		Department string `yaml:"department"`
		Motive     string `yaml:"motive"`
	} `yaml:"expect"` // where the town's rules must send it
}

// Letters gives the letters in the order they are written.
func Letters() ([]Letter, error) {
	raw, err := files.ReadFile("letters.yaml")
	if err != nil {
		return nil, err
	}
	var file struct {
		Letters []Letter `yaml:"letters"`
	}
	err = decode(raw, &file)
	return file.Letters, err
}

// decode reads a file of which every field is known.
func decode(raw []byte, file any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return d.Decode(file)
}

// Envelope is what a letter does not say: when and to whom it is sent, and what it answers.
type Envelope struct {
	To         string
	ID         string // Message-ID without angle brackets
	At         time.Time
	InReplyTo  string
	References []string
	Subject    string // of an answer; empty: the letter's own
	Text       string // of an answer; empty: the letter's own
}

// Mail writes the letter down as a mail program would.
func (l Letter) Mail(e Envelope) (_ []byte, err error) {
	if e.Subject == "" {
		e.Subject = l.Subject
	}
	text, photo := l.Text, l.Photo
	if e.Text != "" {
		text, photo = e.Text, ""
	}
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("Date", e.At.Format(time.RFC1123Z))
	header("From", (&mail.Address{Name: l.From.Name, Address: l.From.Email}).String())
	header("To", e.To)
	header("Message-ID", "<"+e.ID+">")
	if e.InReplyTo != "" {
		header("In-Reply-To", "<"+e.InReplyTo+">")
		header("References", "<"+strings.Join(e.References, ">\r\n <")+">")
	}
	header("Subject", mime.QEncoding.Encode("utf-8", e.Subject))
	header("MIME-Version", "1.0")
	mixed := multipart.NewWriter(&b)
	header("Content-Type", `multipart/mixed; boundary="`+mixed.Boundary()+`"`)
	b.WriteString("\r\n")
	if l.HTML && e.Text == "" {
		err = alternatives(mixed, text)
	} else {
		err = textPart(mixed, "text/plain", text)
	}
	if photo != "" {
		err = errors.Join(err, photoPart(mixed, photo))
	}
	return b.Bytes(), errors.Join(err, mixed.Close())
}

// alternatives writes a text twice, plain and as HTML, and lets the reader choose (RFC 2046 section 5.1.4).
func alternatives(mixed *multipart.Writer, text string) error {
	var html strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		html.WriteString("<p>" + strings.ReplaceAll(template.HTMLEscapeString(p), "\n", "<br>") + "</p>\n")
	}
	var b bytes.Buffer
	both := multipart.NewWriter(&b)
	err := errors.Join(textPart(both, "text/plain", text), textPart(both, "text/html", html.String()), both.Close())
	if err != nil {
		return err
	}
	part, err := mixed.CreatePart(textproto.MIMEHeader{"Content-Type": {`multipart/alternative; boundary="` + both.Boundary() + `"`}})
	if err != nil {
		return err
	}
	_, err = part.Write(b.Bytes())
	return err
}

func textPart(w *multipart.Writer, kind, text string) error {
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type": {kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
	})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(part)
	_, err = q.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	return errors.Join(err, q.Close())
}

// Photo is a small JPEG: a grey road with a dark hole, more or less.
func Photo() ([]byte, error) {
	picture := image.NewGray(image.Rect(0, 0, 320, 200))
	for y := range 200 {
		for x := range 320 {
			shade := uint8(120 + (x*7+y*13)%40)
			if dx, dy := x-170, y-120; dx*dx/4+dy*dy < 900 {
				shade = 30
			}
			picture.SetGray(x, y, color.Gray{Y: shade})
		}
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, picture, nil)
	return b.Bytes(), err
}

// photoPart attaches a Photo.
func photoPart(w *multipart.Writer, name string) error {
	photo, err := Photo()
	if err != nil {
		return err
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type": {"image/jpeg"}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": name})},
	})
	if err != nil {
		return err
	}
	lines := base64.StdEncoding.EncodeToString(photo)
	for len(lines) > 76 { // RFC 2045 section 6.8
		if _, err := io.WriteString(part, lines[:76]+"\r\n"); err != nil {
			return err
		}
		lines = lines[76:]
	}
	_, err = io.WriteString(part, lines)
	return err
}
