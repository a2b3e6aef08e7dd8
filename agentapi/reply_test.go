package agentapi_test

import (
	"net/http"
	"strings"
	"testing"

	"guichet/agentapi/console"
)

// TestLargeForm sends files with the console's forms: their routes, and no other of the console, take more than other requests may hold.
func TestLargeForm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ref := w.mail("accueil", "Horaires")
		admin := w.signedIn("admin").with("Content-Type", "multipart/form-data; boundary=x").with("Sec-Fetch-Site", "same-origin")
		form := "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nVoici.\r\n--x\r\n" +
			"Content-Disposition: form-data; name=\"file\"; filename=\"plan.pdf\"\r\n\r\n" + strings.Repeat("x", 2*1<<20) + "\r\n--x--\r\n"
		admin.do(http.MethodPost, "/tickets/"+ref+"/reply", form).is(http.StatusSeeOther)
		detail := string(admin.get("/tickets/" + ref).is(http.StatusOK).raw)
		if !strings.Contains(detail, `"plan.pdf"`) {
			t.Errorf("the file did not arrive: %s", detail)
		}
		scan := strings.Replace(form, "--x\r\n", "--x\r\nContent-Disposition: form-data; name=\"channel\"\r\n\r\nletter\r\n--x\r\n"+
			"Content-Disposition: form-data; name=\"family\"\r\n\r\nDiallo\r\n--x\r\n", 1)
		admin.do(http.MethodPost, console.ContactPath, scan).is(http.StatusSeeOther)
		admin.do(http.MethodPost, "/tickets/"+ref+"/note", form).is(http.StatusUnprocessableEntity)
	})
}
