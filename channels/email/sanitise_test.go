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

func TestRemotePictures(t *testing.T) {
	cases := []struct {
		name, in string
		want     int
	}{
		{"picture", `<img src="https://x.fr/a.png">`, 1},
		{"the same twice", `<img src="https://x.fr/a.png"><img src="https://x.fr/a.png">`, 1},
		{"point", `<img src="https://x.fr/a.png" width="1">`, 0},
		{"own", `<img src="cid:a">`, 0},
		{"background", `<td background="//x.fr/b.png">`, 1},
		{"style", `<div style="background:url('https://x.fr/c.png')">`, 1},
		{"srcset", `<img srcset="https://x.fr/d.png 1x, https://x.fr/e.png 2x">`, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := RemotePictures(c.in); got != c.want {
				t.Errorf("%d, not %d", got, c.want)
			}
		})
	}
}
