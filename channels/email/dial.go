package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// stepTimeout is how long a server may take over one step of a dialogue. The libraries know no deadlines of their own: a silent
// server would block them for ever.
const stepTimeout = 30 * time.Second

// errTimeout is the cause of a connection closed by us because a step took too long.
var errTimeout = errors.New("the server did not answer in time")

// errTLS is in every error of securing a connection.
var errTLS = errors.New("TLS")

// dial connects to a server, with TLS when it is implicit. Host and port name it in errors.
func dial(ctx context.Context, host string, port int, mode TLS, protocol string, patience time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("connect to %s:%d: %w", host, port, err)
	}
	if mode != Implicit && mode != "" {
		return conn, nil
	}
	config := tlsConfig(host)
	if protocol != "" {
		config.NextProtos = []string{protocol}
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%w with %s:%d: %w", errTLS, host, port, err)
	}
	return secured, nil
}

func tlsConfig(host string) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}

// within runs one step of a dialogue and closes the connection when it takes longer than limit or ctx ends, which is the only way
// to make the libraries return. The error then is errTimeout or that of ctx.
func within(ctx context.Context, conn net.Conn, limit time.Duration, step func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err := step()
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}
