package mailtest

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// Proxy stands between clients and a server and cuts connections where a test wants it.
type Proxy struct {
	at      *listener
	target  string
	cut     func(connection int) (after int)
	serving sync.WaitGroup

	mu     sync.Mutex
	number int
	passed int // bytes of the connection that passed most
}

// StartProxy starts one in front of a server, "host:port". cut tells of the n-th connection, from 1, after how many bytes, both ways
// together, it is cut; negative: never.
func StartProxy(target string, cut func(connection int) (after int)) (*Proxy, error) {
	l, err := listen("")
	if err != nil {
		return nil, fmt.Errorf("mailtest: proxy: %w", err)
	}
	p := &Proxy{at: l, target: target, cut: cut}
	p.serving.Go(p.accept)
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() (host string, port int) { return p.at.where() }

// Connections is how many there were.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.number
}

// Most is how many bytes passed in the longest connection.
func (p *Proxy) Most() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

// Close cuts everything and waits for it.
func (p *Proxy) Close() error {
	err := p.at.Close()
	p.at.cut()
	p.serving.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.at.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.number++
		after := p.cut(p.number)
		p.mu.Unlock()
		p.serving.Go(func() { p.join(client, after) })
	}
}

// join passes bytes both ways until one side closes or enough have passed.
func (p *Proxy) join(client net.Conn, after int) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	m := &meter{proxy: p, left: after, endless: after < 0}
	var ways sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		ways.Go(func() {
			_, _ = io.Copy(&metered{way[1], m}, way[0]) // the end of either is the end of both
			client.Close()
			server.Close()
		})
	}
	ways.Wait()
}

// meter counts what passes on one connection.
type meter struct {
	proxy   *Proxy
	mu      sync.Mutex
	total   int
	left    int
	endless bool
}

type metered struct {
	net.Conn
	m *meter
}

// Write passes as much as may still pass.
func (w *metered) Write(b []byte) (int, error) {
	w.m.mu.Lock()
	pass := len(b)
	if !w.m.endless {
		pass = min(pass, w.m.left)
		w.m.left -= pass
	}
	w.m.total += pass
	total := w.m.total
	w.m.mu.Unlock()
	w.m.proxy.mu.Lock()
	w.m.proxy.passed = max(w.m.proxy.passed, total)
	w.m.proxy.mu.Unlock()
	n, err := w.Conn.Write(b[:pass])
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}
