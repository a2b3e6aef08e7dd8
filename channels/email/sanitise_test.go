package email

import (
	"strings"
	"testing"
)

func TestSafeHTML(t *testing.T) {
	cases := []struct{ name, in, keeps, drops string }{
		{"script", `<p>a</p><script>alert(1)</script>`, "<p>a</p>", "alert"},
		{"handler", `<p onclick="x()">a</p>`, "<p>a</p>", "onclick"},
		{"remote picture", `<img src="https://spy.example/p.png" alt="logo">`, `alt="logo"`, "spy"},
		{"remote picture without scheme", `<img src="//spy.example/p.png" alt="logo">`, `alt="logo"`, "spy"},
		{"background", `<table background="https://spy.example/x"><tr><td style="background:url(https://spy.example)">a</td></tr></table>`, "<td>a</td>", "spy"},
		{"srcset", `<img srcset="https://spy.example/p.png 2x" alt="x">`, "<img", "spy"},
		{"own picture", `<img src="cid:p1@x">`, `src="cid:p1@x"`, "never"},
		{"link", `<a href="https://x.fr/">x</a>`, `target="_blank"`, "never"},
		{"link opener", `<a href="https://x.fr/">x</a>`, `noopener`, "never"},
		{"javascript link", `<a href="javascript:alert(1)">x</a>`, "x", "javascript"},
		{"frame", `<iframe src="https://x.fr"></iframe>b`, "b", "iframe"},
		{"form", `<form action="https://x.fr"><input name=a>c</form>`, "c", "form"},
		{"style sheet", `<style>@import url(https://spy.example)</style>d`, "d", "spy"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := SafeHTML(c.in)
			if !strings.Contains(got, c.keeps) || strings.Contains(got, c.drops) {
				t.Errorf("got %s", got)
			}
		})
	}
}
