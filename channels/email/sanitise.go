package email

import (
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// SafeHTML returns markup that can be shown in a sandboxed frame: no script, style, form or frame, links that open elsewhere and
// tell nobody where they were followed, and no picture fetched from outside, because fetching it would tell the sender that, when
// and where an agent read the mail. Pictures that came with the mail keep their "cid:" address for whoever shows it to replace.
func SafeHTML(markup string) string {
	return policy().Sanitize(markup)
}

// RemotePictures counts the pictures of a mail that SafeHTML does not let through because they lie elsewhere, backgrounds included,
// each address once. It counts what a reader would see, so pictures of a single point are left out: they count readers.
func RemotePictures(markup string) int {
	elsewhere := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return len(elsewhere)
		case html.StartTagToken, html.SelfClosingTagToken:
			for _, address := range pictures(z.Token()) {
				address = strings.TrimSpace(address)
				if lower := strings.ToLower(address); strings.HasPrefix(lower, "http:") || strings.HasPrefix(lower, "https:") || strings.HasPrefix(lower, "//") {
					elsewhere[address] = true
				}
			}
		}
	}
}

// styleURL is an address in a style, CSS Values 4.5.
var styleURL = regexp.MustCompile(`(?i)url\(\s*["']?([^"')]+)`)

// pictures returns the addresses of the pictures a tag shows; none when it shows a single point.
func pictures(tag html.Token) []string {
	var found []string
	for _, a := range tag.Attr {
		switch a.Key {
		case "src":
			if tag.Data == "img" {
				found = append(found, a.Val)
			}
		case "background":
			found = append(found, a.Val)
		case "srcset":
			for candidate := range strings.SplitSeq(a.Val, ",") {
				address, _, _ := strings.Cut(strings.TrimSpace(candidate), " ")
				found = append(found, address)
			}
		case "style":
			for _, m := range styleURL.FindAllStringSubmatch(a.Val, -1) {
				found = append(found, m[1])
			}
		case "width", "height":
			if tag.Data == "img" && (a.Val == "0" || a.Val == "1" || a.Val == "1px") {
				return nil
			}
		}
	}
	return found
}

// policy builds the one policy on first use; it is never changed afterwards.
var policy = sync.OnceValue(newPolicy)

// newPolicy is bluemonday's policy for user content without its pictures, maps and forms: that policy lets any picture in and
// rules can only be added, so it is spelled out.
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowStandardAttributes()
	p.AllowElements("article", "aside", "figure", "figcaption", "section", "summary", "details", "header", "footer", "main",
		"h1", "h2", "h3", "h4", "h5", "h6", "br", "div", "hr", "p", "span", "wbr", "center", "font",
		"abbr", "acronym", "cite", "code", "dfn", "em", "mark", "s", "samp", "strong", "sub", "sup", "var", "q",
		"b", "i", "pre", "small", "strike", "tt", "u", "del", "ins", "blockquote", "rp", "rt", "ruby", "bdi", "bdo", "time", "address")
	p.AllowLists()
	p.AllowTables()

	p.AllowStandardURLs()
	p.AllowURLSchemes("mailto", "http", "https", "tel", "cid")
	p.AllowRelativeURLs(false)
	p.AllowAttrs("href").Matching(regexp.MustCompile(`(?i)^(https?|mailto|tel):`)).OnElements("a")
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)

	// What tells history and signatures from the rest, for FoldHTML. Without a style sheet a class does nothing.
	p.AllowAttrs("class").Matching(foldClass).OnElements("div", "span", "blockquote", "pre")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`(?i)^cite$`)).OnElements("blockquote")
	p.AllowStyles("border-top").Matching(regexp.MustCompile(`(?i)^(solid|#[0-9a-f]{3,6}|[0-9.]+p[tx]| )+$`)).OnElements("div")

	p.AllowAttrs("src").Matching(regexp.MustCompile(`(?i)^cid:`)).OnElements("img")
	p.AllowAttrs("alt").Matching(bluemonday.Paragraph).OnElements("img")
	p.AllowAttrs("width", "height").Matching(bluemonday.NumberOrPercent).OnElements("img")
	return p
}

// outgoing is what the HTML of our own mails may hold. What it lets pass, policy lets pass too.
var outgoing = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowLists()
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowURLSchemes("mailto", "http", "https", "tel")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").OnElements("a")
	return p
})
