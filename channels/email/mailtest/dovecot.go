package mailtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrNoDovecot says that the machine has no dovecot to start.
var ErrNoDovecot = errors.New("mailtest: dovecot is not installed")

// Dovecot is a private Dovecot, the IMAP server most town halls have, with one user and no TLS. It runs as whoever started it,
// and keeps the mail as nobody where that is root.
type Dovecot struct {
	Host     string
	Port     int
	User     string
	Password string

	binary    string
	dir       string // of configuration and log
	cmd       *exec.Cmd
	exited    chan error
	home      string // outside dir: its owner may not be let into a folder of ours
	inbox     string // the maildir
	uid, gid  int    // whose the mail is
	delivered atomic.Int64
}

// StartDovecot starts a Dovecot with its configuration and log under dir, which must exist, and waits until it answers. ErrNoDovecot means
// that there is none to start.
func StartDovecot(dir string) (*Dovecot, error) {
	binary, err := findDovecot()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	d := &Dovecot{
		Host: "127.0.0.1", Port: port, User: "mairie", Password: "essai-dovecot",
		binary: binary, dir: dir, exited: make(chan error, 1),
	}
	if d.home, err = os.MkdirTemp("", "guichet-dovecot-"); err != nil {
		return nil, err
	}
	if err := d.start(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.home))
	}
	return d, nil
}

// start writes configuration and mailbox, and runs the server.
func (d *Dovecot) start(dir string) error {
	config, err := d.config(dir)
	if err != nil {
		return err
	}
	d.inbox = filepath.Join(d.home, "mail")
	for _, folder := range []string{d.home, d.inbox, filepath.Join(d.inbox, "cur"), filepath.Join(d.inbox, "new"), filepath.Join(d.inbox, "tmp")} {
		if err := errors.Join(os.MkdirAll(folder, 0o700), os.Chown(folder, d.uid, d.gid)); err != nil {
			return err
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the login process is somebody else and must reach its socket
		return err
	}
	file := filepath.Join(dir, "dovecot.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	return d.run()
}

// run runs the server and waits for its greeting.
func (d *Dovecot) run() error {
	d.cmd = exec.Command(d.binary, "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	ownGroup(d.cmd) // so that Kill reaches its children
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("mailtest: start dovecot: %w", err)
	}
	go func() { d.exited <- d.cmd.Wait() }()
	if err := d.await(5 * time.Second); err != nil {
		_ = d.stop()
		said, _ := os.ReadFile(filepath.Join(d.dir, "dovecot.log"))
		return fmt.Errorf("mailtest: dovecot does not answer: %w\n%s", err, said)
	}
	return nil
}

// Deliver drops a mail into the maildir as a delivery agent does. INTERNALDATE is the time given, to the second.
func (d *Dovecot) Deliver(raw []byte, at time.Time) error {
	// Dovecot numbers new mails in the order of their names. Like its own delivery agent we write both sizes there, as they are
	// and with every line ended by CRLF, which saves it from reading each file for that.
	wire := len(raw) + bytes.Count(raw, []byte("\n")) - bytes.Count(raw, []byte("\r\n"))
	name := fmt.Sprintf("%010d.guichet,S=%d,W=%d", d.delivered.Add(1), len(raw), wire)
	tmp := filepath.Join(d.inbox, "tmp", name)
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	if err := errors.Join(os.Chown(tmp, d.uid, d.gid), os.Chtimes(tmp, at, at)); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(d.inbox, "new", name))
}

// Kill ends the server and all its processes as a power cut does; what was delivered stays.
func (d *Dovecot) Kill() error {
	if err := killGroup(d.cmd); err != nil {
		return err
	}
	<-d.exited
	return nil
}

// Restart runs it again, on the same port.
func (d *Dovecot) Restart() error { return d.run() }

// Close stops the server, waits for it and removes the mail.
func (d *Dovecot) Close() error {
	return errors.Join(d.stop(), os.RemoveAll(d.home))
}

func (d *Dovecot) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-d.exited:
		return nil
	case <-time.After(5 * time.Second):
		return d.cmd.Process.Kill()
	}
}

// config is the smallest that works for an ordinary user and for root alike.
func (d *Dovecot) config(dir string) (string, error) {
	who, err := user.Current()
	if err != nil {
		return "", err
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return "", err
	}
	// Dovecot refuses to speak to the network, or to hold mail, as root. A user who is not root cannot be anybody else.
	login, owner := who, who
	if who.Uid == "0" {
		if owner, err = user.Lookup("nobody"); err != nil {
			return "", err
		}
		if login, err = user.Lookup("dovenull"); err != nil { // made by the package
			login = owner
		}
	}
	d.uid, err = strconv.Atoi(owner.Uid)
	if err == nil {
		d.gid, err = strconv.Atoi(owner.Gid)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = %[2]s
default_internal_group = %[3]s
default_login_user = %[9]s
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:%[4]s
mail_max_userip_connections = 100
passdb {
  driver = static
  args = password=%[5]s
}
userdb {
  driver = static
  args = uid=%[6]d gid=%[7]d home=%[10]s
}
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = %[8]d
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`, dir, who.Username, group.Name, filepath.Join(d.home, "mail"), d.Password, d.uid, d.gid, d.Port, login.Username, d.home), nil
}

// await waits for the greeting.
func (d *Dovecot) await(limit time.Duration) error {
	deadline := time.After(limit)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := d.greeted()
		if err == nil {
			return nil
		}
		select {
		case exit := <-d.exited:
			d.exited <- exit
			return fmt.Errorf("it ended: %w", errors.Join(exit, err))
		case <-deadline:
			return err
		case <-again.C:
		}
	}
}

func (d *Dovecot) greeted() error {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", d.Host, d.Port), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "* OK") {
		err = fmt.Errorf("greeting %q", line)
	}
	return err
}

// findDovecot looks beyond PATH, because /usr/sbin is rarely in an ordinary user's.
func findDovecot() (string, error) {
	if path, err := exec.LookPath("dovecot"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot"} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNoDovecot
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("mailtest: odd address %v", l.Addr())
	}
	return a.Port, nil
}
