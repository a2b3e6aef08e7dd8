package email

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// foldClass is the classes by which mailers mark what FoldHTML folds; SafeHTML lets no other through.
var foldClass = regexp.MustCompile(`(?i)^(x_)?(gmail_(quote|quote_container|attr|signature|signature_prefix)|moz-(cite-prefix|signature|forward-container)|yahoo_(quoted|quoted_begin)|protonmail_(quote|signature_block)|zmail_extra)( gmail_quote_container| gmail_quote)?$`)

// maxFoldHTML is how much safe HTML, in bytes, is looked through; a longer mail is shown unfolded.
const maxFoldHTML = 2 << 20

// FoldHTML puts quoted history and signatures of what SafeHTML made into closed details elements, with summary as their label. It
// loses no word and adds none but the label. A forwarded message is not folded, nor anything when the subject says that the mail
// forwards one or when nothing would be left to see: safe is then returned as it is.
func FoldHTML(safe, subject, summary string) string {
	if len(safe) > maxFoldHTML || isForward(subject) {
		return safe
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(safe), body)
	if err != nil {
		return safe // nested too deep for the parser: shown as it is
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	f := folder{summary: summary, folds: map[*html.Node]bool{}}
	f.walk(body)
	f.foldSignatures()
	if len(f.folds) == 0 || !f.shows(body) {
		return safe
	}
	var out strings.Builder
	for n := range body.ChildNodes() {
		if err := html.Render(&out, n); err != nil {
			return safe
		}
	}
	return out.String()
}

// folder is one run over one mail.
type folder struct {
	summary   string
	folds     map[*html.Node]bool
	signed    []*html.Node // what may be a signature, if nothing to see follows it
	forwarded bool         // a forwarded message has begun: what follows is for us to read
}

// walk folds what is to be folded below n, in the order of the document.
func (f *folder) walk(n *html.Node) {
	for c := n.FirstChild; c != nil && c.Parent == n && !f.forwarded; { // what was folded meanwhile is done with
		next := c.NextSibling
		switch run := f.run(c); {
		case f.forwarded:
			return
		case f.signature(c):
			f.signed = append(f.signed, c)
		case len(run) > 0:
			next = run[len(run)-1].NextSibling
			if run[0].Parent == c {
				next = c.NextSibling
			}
			f.fold(run)
		case c.Type == html.ElementNode:
			f.walk(c)
		}
		c = next
	}
}

// run returns the siblings from n on that are history or a signature; none when n is neither.
func (f *folder) run(n *html.Node) []*html.Node {
	if n.Type == html.TextNode {
		f.forwarded = f.announcesForward(n)
		if headerFrom(n) {
			return toEnd(outermost(n))
		}
		return f.introduced(n)
	}
	if n.Type != html.ElementNode {
		return nil
	}
	if leaf(n) && f.announcesForward(n) || hasClass(n, "moz-forward-container") {
		f.forwarded = true
		return nil
	}
	switch id := strings.TrimPrefix(attr(n, "id"), "x_"); {
	case id == "divRplyFwdMsg", id == "appendonsend" && !blank(n.NextSibling):
		return toEnd(n)
	case hasClass(n, "gmail_quote"), hasClass(n, "yahoo_quoted"), id == "yahoo_quoted", hasClass(n, "protonmail_quote"):
		if f.announcesForward(n) {
			f.forwarded = true
			return nil
		}
		if answeredWithin(n) {
			return nil
		}
		return []*html.Node{n}
	case n.DataAtom == atom.Pre:
		return f.quotedInPre(n)
	case headerFrom(n):
		return toEnd(outermost(n))
	case attr(n, "style") != "" && strings.Contains(attr(n, "style"), "border-top") && isHeaderBlock(n):
		return toEnd(outermost(n))
	case n.DataAtom == atom.Blockquote && strings.EqualFold(attr(n, "type"), "cite"):
		if f.announcesForward(n) {
			f.forwarded = true
			return nil
		}
		return []*html.Node{n}
	}
	return f.introduced(n)
}

// maxSignatures is how many of the last signatures are looked at.
const maxSignatures = 8

// foldSignatures folds the signatures that nothing but signatures and history follows.
func (f *folder) foldSignatures() {
	for i := len(f.signed) - 1; i >= max(0, len(f.signed)-maxSignatures); i-- {
		for n := f.signed[i]; n != nil; n = n.Parent {
			for s := n.NextSibling; s != nil; s = s.NextSibling {
				if f.sees(s) {
					return
				}
			}
		}
		f.fold([]*html.Node{f.signed[i]})
	}
}

// signature reports whether n is marked as a signature or is the line a telephone adds.
func (f *folder) signature(n *html.Node) bool {
	id := strings.TrimPrefix(attr(n, "id"), "x_")
	if id == "Signature" || id == "ms-outlook-mobile-signature" || hasClass(n, "gmail_signature") || hasClass(n, "moz-signature") || hasClass(n, "protonmail_signature_block") {
		text := textWithin(n, longSignature+1)
		return !strings.Contains(text, forwardRule) && len(text) <= longSignature
	}
	if !startsLine(n) || !leaf(n) {
		return false
	}
	text := strings.Join(strings.Fields(textWithin(n, 200)), " ")
	return len(text) < 100 && deviceLine.MatchString(text)
}

// startsLine reports whether n stands at the beginning of a line.
func startsLine(n *html.Node) bool {
	return breaks(n) || n.PrevSibling == nil || breaks(n.PrevSibling) || blank(n.PrevSibling) && (n.PrevSibling.PrevSibling == nil || breaks(n.PrevSibling.PrevSibling))
}

// breaks reports whether n sets what stands before and after it on lines of their own.
func breaks(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Div, atom.P, atom.Br, atom.Hr, atom.Blockquote, atom.Table, atom.Ul, atom.Ol, atom.Pre, atom.Details:
		return true
	}
	return false
}

// headerFrom reports whether Outlook's "De : … Envoyé : … À : …" begins with n, in one element or over several.
func headerFrom(n *html.Node) bool {
	if !startsLine(n) || !begins(strings.TrimSpace(textWithin(n, 200)), "de", "from", "von", "da", "gesendet") {
		return false
	}
	const longest, pieces = 4 << 10, 30
	var text strings.Builder
	for s, i := n, 0; s != nil && i < pieces && text.Len() < longest; s, i = s.NextSibling, i+1 {
		if breaks(s) {
			text.WriteByte('\n')
		}
		text.WriteString(textWithin(s, longest))
	}
	lines := slices.DeleteFunc(linesOf(text.String()), func(l line) bool { return strings.TrimSpace(l.text) == "" })
	return len(lines) > 0 && outlookAt(lines, 0)
}

// quotedInPre returns what follows from the announcement of history on in preformatted text, which it cuts there.
func (f *folder) quotedInPre(pre *html.Node) []*html.Node {
	for c := range pre.ChildNodes() {
		if c.Type != html.TextNode {
			continue
		}
		lines := linesOf(c.Data)
		answered := answeredAfter(lines)
		for i := range lines {
			if forwardAt(lines[i].text) {
				f.forwarded = true
				return nil
			}
			at, ok := historyAt(lines, i, answered)
			if !ok {
				continue
			}
			if strings.TrimSpace(c.Data[:at]) == "" {
				return toEnd(c)
			}
			rest := &html.Node{Type: html.TextNode, Data: c.Data[at:]}
			c.Data = c.Data[:at]
			pre.InsertBefore(rest, c.NextSibling)
			return toEnd(rest)
		}
	}
	return nil
}

// introduced returns "Le … a écrit :" and the quotation after it, when n is the announcement.
func (f *folder) introduced(n *html.Node) []*html.Node {
	if !leaf(n) && !hasClass(n, "moz-cite-prefix") && !hasClass(n, "gmail_attr") {
		return nil
	}
	run := []*html.Node{n}
	text := textWithin(n, 600)
	last := n
	// Mailers cut the announcement up: words, a link with the address, words.
	for s := n.NextSibling; s != nil && len(run) < 8; s = s.NextSibling {
		if s.DataAtom == atom.Blockquote {
			break
		}
		if s.Type == html.ElementNode && s.DataAtom != atom.A && s.DataAtom != atom.Br && s.DataAtom != atom.Span && s.DataAtom != atom.B {
			break
		}
		run = append(run, s)
		text += textWithin(s, 600)
		last = s
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 600 || !saysWrote(text) || !introLine.MatchString(text) {
		return nil
	}
	for s := last.NextSibling; s != nil; s = s.NextSibling {
		if s.DataAtom == atom.Blockquote {
			return append(run, s)
		}
		if !blank(s) {
			return nil
		}
		run = append(run, s)
	}
	return nil
}

// fold moves nodes that follow each other into a closed details element, or into the one that ends right before them.
func (f *folder) fold(run []*html.Node) {
	if !slices.ContainsFunc(run, func(n *html.Node) bool { return !blank(n) }) {
		return
	}
	parent := run[0].Parent
	var details *html.Node
	before := run[0].PrevSibling
	for before != nil && blank(before) {
		before = before.PrevSibling
	}
	if before != nil && f.folds[before] {
		details = before
		for s := before.NextSibling; s != run[0]; s = before.NextSibling {
			parent.RemoveChild(s)
			details.AppendChild(s)
		}
	} else {
		details = &html.Node{Type: html.ElementNode, Data: "details", DataAtom: atom.Details}
		label := &html.Node{Type: html.ElementNode, Data: "summary", DataAtom: atom.Summary}
		label.AppendChild(&html.Node{Type: html.TextNode, Data: f.summary})
		details.AppendChild(label)
		parent.InsertBefore(details, run[0])
		f.folds[details] = true
	}
	for _, n := range run {
		parent.RemoveChild(n)
		details.AppendChild(n)
	}
}

// shows reports whether something is left to see in n outside what was folded.
func (f *folder) shows(n *html.Node) bool {
	for c := range n.ChildNodes() {
		if f.sees(c) {
			return true
		}
	}
	return false
}

// sees reports whether n itself is to be seen.
func (f *folder) sees(n *html.Node) bool {
	switch {
	case f.folds[n]:
		return false
	case n.Type == html.TextNode && strings.TrimSpace(n.Data) != "", n.DataAtom == atom.Img && attr(n, "src") != "":
		return true
	}
	return f.shows(n)
}

// longSignature is beyond which, in bytes, what is marked as a signature is shown: some mailers put the whole mail into it.
const longSignature = 4 << 10

// announcesForward reports whether the words at the beginning of n announce a forwarded message.
func (f *folder) announcesForward(n *html.Node) bool {
	text := strings.TrimLeft(textWithin(n, 200), " \n\t\u00a0")
	text, _, _ = strings.Cut(text, "\n")
	return forwardAt(strings.TrimSpace(text))
}

// isHeaderBlock reports whether n is Outlook's "De : … Envoyé : … À : …".
func isHeaderBlock(n *html.Node) bool {
	lines := linesOf(textWithin(n, 4<<10))
	lines = slices.DeleteFunc(lines, func(l line) bool { return strings.TrimSpace(l.text) == "" })
	return len(lines) > 0 && outlookAt(lines, 0)
}

// answeredWithin reports whether the writer answers after a quotation inside the element that marks it.
func answeredWithin(n *html.Node) bool {
	quoted := false
	for c := range n.ChildNodes() {
		switch {
		case c.DataAtom == atom.Blockquote:
			quoted = true
		case quoted && !blank(c):
			return true
		}
	}
	return false
}

// outermost climbs while nothing to see stands before n: Outlook wraps its header block alone and lets history follow the wrapper.
func outermost(n *html.Node) *html.Node {
	for {
		for s := n.PrevSibling; s != nil; s = s.PrevSibling {
			if !blank(s) {
				return n
			}
		}
		if p := n.Parent; p == nil || p.Parent == nil || p.DataAtom != atom.Div {
			return n
		}
		n = n.Parent
	}
}

// toEnd returns n and all that follows it beside it.
func toEnd(n *html.Node) []*html.Node {
	var run []*html.Node
	for ; n != nil; n = n.NextSibling {
		run = append(run, n)
	}
	return run
}

// maxLook is how many nodes are looked at to judge one: no announcement is made of more.
const maxLook = 500

// leaf reports whether n is words on one line: no block stands inside.
func leaf(n *html.Node) bool {
	looked := 0
	for c := range n.Descendants() {
		if looked++; looked > maxLook {
			return false
		}
		switch c.DataAtom {
		case atom.Div, atom.P, atom.Blockquote, atom.Table, atom.Ul, atom.Ol, atom.Pre, atom.Details:
			return false
		}
	}
	return true
}

// blank reports whether there is nothing to see in n.
func blank(n *html.Node) bool {
	if n == nil {
		return true
	}
	if n.Type == html.TextNode {
		return strings.TrimSpace(n.Data) == ""
	}
	for c := range n.Descendants() {
		if c.Type == html.TextNode && strings.TrimSpace(c.Data) != "" || c.DataAtom == atom.Img {
			return false
		}
	}
	return n.DataAtom != atom.Img
}

// textWithin returns the words of n up to about limit bytes, lines apart where blocks and breaks set them apart.
func textWithin(n *html.Node, limit int) string {
	var out strings.Builder
	if n.Type == html.TextNode {
		return n.Data[:min(len(n.Data), limit)]
	}
	looked := 0
	for c := range n.Descendants() {
		if looked++; out.Len() >= limit || looked > maxLook {
			break
		}
		switch c.DataAtom {
		case atom.Div, atom.P, atom.Br, atom.Blockquote, atom.Tr, atom.Li:
			out.WriteByte('\n')
		}
		if c.Type == html.TextNode {
			out.WriteString(strings.ReplaceAll(c.Data[:min(len(c.Data), limit)], "\n", " "))
		}
	}
	return out.String()
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasClass(n *html.Node, class string) bool {
	for have := range strings.FieldsSeq(attr(n, "class")) {
		if strings.TrimPrefix(have, "x_") == class {
			return true
		}
	}
	return false
}
