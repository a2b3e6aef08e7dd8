package agentapi_test

import (
	"net/http"
	"strings"
	"testing"

	"guichet/ticketing"
)

// form is a multipart body that holds files, by name.
func form(files ...[2]string) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + f[0] + "\"\r\n\r\n" + f[1] + "\r\n")
	}
	return b.String() + "--x--\r\n"
}

func TestUploads(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		uploading := func(c *client) *client { return c.with("Content-Type", "multipart/form-data; boundary=x") }
		plan := form([2]string{"plan.pdf", "%PDF-1.7"}, [2]string{"../devis.txt", "un texte"})
		uploading(w.nobody()).post("/attachments", plan).refused(http.StatusUnauthorized, "unauthenticated")
		uploading(w.program("nadia", "read")).post("/attachments", plan).refused(http.StatusForbidden, "forbidden")
		nadia, admin := w.program("nadia", "write"), w.program("admin", "write")
		nadia.post("/attachments", body{"file": "x"}).refused(http.StatusUnsupportedMediaType, "unsupported_media_type")
		uploading(nadia).post("/attachments", "--x\r\nContent-Disp").refused(http.StatusBadRequest, "malformed")
		uploading(nadia).post("/attachments", form()).refused(http.StatusUnprocessableEntity, "invalid")
		uploading(nadia).post("/attachments", form([2]string{"large", strings.Repeat("x", ticketing.MaxFile+1)})).refused(http.StatusUnprocessableEntity, "invalid")

		handed := uploading(nadia).post("/attachments", plan).is(http.StatusCreated)
		files := handed.items()
		if len(files) != 2 || files[0]["id"] != handed.text("id") || files[1]["name"] != "devis.txt" {
			t.Fatalf("kept as %s", handed.raw)
		}
		ids := []any{files[0]["id"], files[1]["id"]}
		ref := w.mail("accueil", "Horaires")
		reply := body{"kind": "reply", "text": "Voici le plan.", "attachments": ids}
		admin.post("/tickets/"+ref+"/messages", reply).refused(http.StatusUnprocessableEntity, "invalid") // they are not hers
		nadia.post("/tickets/"+ref+"/messages", body{"kind": "note", "text": "x", "attachments": ids}).refused(http.StatusUnprocessableEntity, "invalid")
		sent := nadia.post("/tickets/"+ref+"/messages", reply).is(http.StatusAccepted)
		if !strings.Contains(string(sent.raw), `"plan.pdf"`) || !strings.Contains(string(sent.raw), `"devis.txt"`) {
			t.Errorf("sent %s", sent.raw)
		}
		nadia.post("/tickets/"+ref+"/messages", reply).refused(http.StatusUnprocessableEntity, "invalid") // they have been sent
		again := nadia.post("/messages/"+sent.text("id")+"/resend", nil).is(http.StatusOK)                // it is on its way, and stays as it is
		if d, _ := again.object()["delivery"].(body); d["state"] != "queued" || d["attempts"] != 0.0 {
			t.Errorf("sent again as %s", again.raw)
		}
		nadia.post("/messages/"+ticketing.NewID()+"/resend", nil).refused(http.StatusNotFound, "not_found")
	})
}
