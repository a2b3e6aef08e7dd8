package email

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// Document makes the HTML part of a mail of ours from its text, which may use Markdown (CommonMark): a document of its own that
// fetches nothing, styled inline because mail programs drop everything else, with its language for whoever has it read aloud. A
// text without marks looks as it does in the other part: lines end where they end, raw HTML is shown as it was typed. Links lead
// to http, https, mailto and tel only. The same text gives the same bytes.
func Document(text, language string) (string, error) {
	body, err := fragment(text)
	if err != nil {
		return "", fmt.Errorf("make HTML of a text: %w", err)
	}
	return `<!DOCTYPE html>
<html lang="` + html.EscapeString(language) + `">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:16px;` + textStyle + `">
<div style="max-width:640px">
` + styled(body) + `</div>
</body>
</html>
`, nil
}

// textStyle is of every block, because Outlook lets tables and paragraphs forget what stands around them.
const textStyle = "font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5"

// styled writes the style of each element into it. The elements are ours: fragment gives none of them an attribute that matters here.
func styled(body string) string {
	const block = "margin:0 0 16px;" + textStyle
	return strings.NewReplacer(
		"<p>", `<p style="`+block+`">`,
		"<ul>", `<ul style="`+block+`;padding-left:24px">`,
		"<ol>", `<ol style="`+block+`;padding-left:24px">`,
		"<ol start=", `<ol style="`+block+`;padding-left:24px" start=`,
		"<blockquote>", `<blockquote style="margin:0 0 16px;padding-left:12px;border-left:3px solid #767676">`,
		"<h1>", `<h1 style="`+block+`;font-size:22px">`,
		"<h2>", `<h2 style="`+block+`;font-size:19px">`,
		"<h3>", `<h3 style="`+block+`;font-size:17px">`,
		"<pre>", `<pre style="margin:0 0 16px;white-space:pre-wrap;font-size:14px">`,
		"<hr>", `<hr style="margin:16px 0;border:0;border-top:1px solid #767676">`,
	).Replace(body)
}

// Beyond these a text is taken as it is, because reading its marks would cost seconds: nobody writes a letter with more.
const (
	maxNested = 30   // quote and list marks at the beginning of a line, each a level
	maxMarks  = 2000 // marks of emphasis and links in the whole text
)

// fragment makes safe HTML of a text.
func fragment(source string) (string, error) {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(clean(source))
	if tooManyMarks(source) {
		return "<pre>" + html.EscapeString(source) + "</pre>\n", nil
	}
	var out bytes.Buffer
	if err := markdown().Convert([]byte(source), &out); err != nil {
		return "", err
	}
	return outgoing().Sanitize(out.String()), nil
}

func tooManyMarks(source string) bool {
	marks := 0
	for _, c := range []string{"*", "_", "[", "`"} {
		marks += strings.Count(source, c)
	}
	if marks > maxMarks {
		return true
	}
	for line := range strings.Lines(source) {
		after := strings.TrimLeft(line, ">-*+.)0123456789 \t")
		start := line[:len(line)-len(after)]
		nested := strings.Count(start, ">") + strings.Count(start, ". ") + strings.Count(start, ") ") + strings.Count(start, "- ") +
			strings.Count(start, "+ ") + strings.Count(start, "* ")
		if nested > maxNested && strings.Trim(line, "-* \t\n") != "" { // a line of dashes is a rule, however long
			return true
		}
	}
	return false
}

// markdown is CommonMark without what a letter has no use for and its writer did not mean: HTML, pictures from elsewhere, code by
// indentation, and a heading made of the line above two dashes, which is how many begin their signature. Whatever it makes of a
// text, no word of it is lost.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(
				util.Prioritized(parser.NewThematicBreakParser(), 200),
				util.Prioritized(parser.NewListParser(), 300),
				util.Prioritized(parser.NewListItemParser(), 400),
				util.Prioritized(parser.NewCodeBlockParser(), 500),
				util.Prioritized(parser.NewATXHeadingParser(), 600),
				util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
				util.Prioritized(parser.NewBlockquoteParser(), 800),
				util.Prioritized(parser.NewParagraphParser(), 1000),
			),
			parser.WithInlineParsers(
				util.Prioritized(parser.NewCodeSpanParser(), 100),
				util.Prioritized(parser.NewLinkParser(), 200),
				util.Prioritized(parser.NewAutoLinkParser(), 300),
				util.Prioritized(parser.NewEmphasisParser(), 500),
			),
		)),
		goldmark.WithExtensions(extension.NewLinkify(
			extension.WithLinkifyAllowedProtocols([]string{"http:", "https:", "mailto:", "tel:"}),
		)),
		goldmark.WithRendererOptions(
			gmhtml.WithHardWraps(),
			renderer.WithNodeRenderers(util.Prioritized(asWords{}, 100)),
		),
	)
})

// asWords shows the words of a picture instead of the picture, because fetching it would tell when the mail is read; and an
// indented block as the lines it is.
type asWords struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (asWords) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindImage, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) { return ast.WalkContinue, nil })
	r.Register(ast.KindCodeBlock, indented)
}

func indented(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	lines := strings.TrimRight(string(n.Lines().Value(source)), "\n")
	_, err := w.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(lines), "\n", "<br>\n") + "</p>\n")
	return ast.WalkContinue, err
}
