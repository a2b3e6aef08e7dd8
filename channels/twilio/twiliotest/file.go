package twiliotest

import (
	"net/http"
	"strings"
)

// File is one the provider keeps: what came with a message, or what was said in a call.
type File struct {
	Type     string // media type
	Data     []byte
	Redirect string // where it is instead; the real provider keeps files at another host
	Hang     bool   // its server never answers
}

type kept struct {
	path string
	file File
}

// Keep keeps a file of a message and gives its address, which is open to the account only.
func (p *Provider) Keep(message string, f File) (address string) {
	return p.keep("/Messages/"+message+"/Media/"+NewSID("ME"), f)
}

// Record keeps the sound of a call, an MP3, and gives the recording's identifier and its address, without the ".mp3" it is had with.
func (p *Provider) Record(mp3 []byte) (sid, address string) {
	sid = NewSID("RE")
	return sid, p.keep("/Recordings/"+sid, File{Type: "audio/mpeg", Data: mp3})
}

func (p *Provider) keep(path string, f File) (address string) {
	path = "/" + apiVersion + "/Accounts/" + p.o.AccountSID + path
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files = newest(append(p.files, kept{path, f}), maxFiles)
	return p.URL() + path
}

func (p *Provider) file(w http.ResponseWriter, r *http.Request) {
	if !p.signedIn(w, r) {
		return
	}
	f, ok := p.kept(strings.TrimSuffix(r.URL.Path, ".mp3"))
	switch {
	case !ok:
		answerError(w, http.StatusNotFound, 20404)
	case f.Hang:
		p.fails(w, r, Fault{Hang: true})
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusTemporaryRedirect)
	default:
		w.Header().Set("Content-Type", f.Type)
		_, _ = w.Write(f.Data) // a client that left is its own affair
	}
}

func (p *Provider) kept(path string) (File, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.files {
		if k.path == path {
			return k.file, true
		}
	}
	return File{}, false
}
