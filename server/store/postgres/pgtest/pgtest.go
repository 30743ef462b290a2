// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Package pgtest gives tests a real PostgreSQL: one server for each test process, and a new database for each test.
//
// It promises that no server outlives its test process, and that tests which run at the same time see nothing of one
// another. It looks for the programs of PostgreSQL in PATH and where Debian has them, runs them in a folder of their own
// behind a socket in it, and as a user that is not root, which PostgreSQL refuses. LANDED_POSTGRES may name a running
// server instead (a URL of a user who may create databases). It refuses to stand in for a server: where there is none the
// test is skipped, and says so.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Server is a PostgreSQL server in a folder of its own.
type Server struct {
	folder   string
	bin      string
	owner    *syscall.Credential
	postgres *exec.Cmd
	ended    chan struct{} // closed when postgres has
}

var errNone = errors.New("there is no PostgreSQL here: no initdb and postgres in PATH or /usr/lib/postgresql/*/bin " +
	"(apt-get install postgresql), and LANDED_POSTGRES names no running one")

// shared is the server of the process, which Main ends.
var shared struct {
	mu     sync.Mutex
	tried  bool
	server *Server
	err    error
	names  int
	// template is a database that was prepared once, of which others are copies; "" before.
	template string
}

// Main runs the tests of a package, and ends the server that they used. TestMain calls it.
func Main(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests are those of a package for whoever calls Main of another kind: Run ends the server that they used.
type Tests struct{ M *testing.M }

// Run runs them.
func (t Tests) Run() (code int) {
	code = t.M.Run()
	shared.mu.Lock()
	if shared.server != nil {
		shared.server.Remove()
	}
	if given := os.Getenv("LANDED_POSTGRES"); given != "" && shared.template != "" {
		if conn, err := pgx.Connect(context.Background(), given); err == nil {
			conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+shared.template+" WITH (FORCE)")
			conn.Close(context.Background())
		}
	}
	return code
}

// Database makes a new database for a test, and returns its address. The test is skipped where there is no server.
func Database(t testing.TB) (address string) {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return create(t, server(t), name(), "template0")
}

// Prepared makes a new database that is a copy of one which prepare was given once: to make the tables takes longer. It is
// always the same prepare.
func Prepared(t testing.TB, prepare func(address string) error) (address string) {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	at := server(t)
	if shared.template == "" {
		made := name()
		conn, err := pgx.Connect(context.Background(), at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "CREATE DATABASE "+made+" TEMPLATE template0"); err != nil {
			t.Fatal(err)
		}
		if err := prepare(named(t, at, made)); err != nil {
			t.Fatal(err)
		}
		shared.template = made
	}
	return create(t, at, name(), shared.template)
}

func name() string {
	shared.names++
	return fmt.Sprintf("landed_test_%d_%d", os.Getpid(), shared.names)
}

// server is the address of the server of this process.
func server(t testing.TB) string {
	t.Helper()
	given := os.Getenv("LANDED_POSTGRES")
	if given == "" && !shared.tried {
		shared.tried = true
		shared.server, shared.err = Start(memory(), "")
	}
	if shared.err != nil {
		if errors.Is(shared.err, errNone) {
			t.Skip(shared.err)
		}
		t.Fatal(shared.err)
	}
	if given != "" {
		return given
	}
	return shared.server.Address("postgres")
}

// New starts a server of the test's own, in a folder on a disk, with the settings that it has by itself. settings are
// lines of postgresql.conf.
func New(t testing.TB, settings string) *Server {
	t.Helper()
	s, err := Start("", settings)
	if errors.Is(err, errNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Remove)
	return s
}

// Database makes a new database of a server, and returns its address.
func (s *Server) Database(t testing.TB, name string) string {
	t.Helper()
	return create(t, s.Address("postgres"), name, "template0")
}

func create(t testing.TB, server, name, template string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	// Whoever had the template open may still be ending, which the server waits for, but not for long.
	var inUse *pgconn.PgError
	for over := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template)
		if err == nil {
			break
		}
		if !errors.As(err, &inUse) || inUse.Code != "55006" || time.Now().After(over) { // object_in_use
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return // the server ended before
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Log(err)
		}
	})
	return named(t, server, name)
}

// named is the address of another database of a server.
func named(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("LANDED_POSTGRES is no URL")
	}
	u.Path = "/" + name
	return u.String()
}

// Start makes a server in a new folder below another ("": where temporary files lie), and starts it. settings are lines of
// postgresql.conf.
func Start(below, settings string) (s *Server, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s = &Server{bin: bin}
	if s.owner, err = someUser(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp(below, "landed-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Remove()
			s = nil
		}
	}()
	if s.owner != nil {
		if err := os.Chown(s.folder, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return s, err
		}
	}
	if out, err := s.command("initdb", "--pgdata", s.data(), "--username", "landed", "--auth", "trust", "--encoding", "UTF8",
		"--locale", "C", "--no-sync").CombinedOutput(); err != nil {
		return s, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if below != "" {
		settings += "\nmax_wal_size = 128MB\nshared_buffers = 32MB\n" // it lies in memory
	}
	conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return s, err
	}
	_, err = conf.WriteString("\n" + settings + "\n")
	if err = errors.Join(err, conf.Close()); err != nil {
		return s, err
	}
	return s, s.Run()
}

// Run starts a server that was ended, and waits until it answers.
func (s *Server) Run() error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for {
		if !s.runs() { // also if it ended: what a killed one had started is still in its way for a moment
			if err := s.launch(log); err != nil {
				return err
			}
		}
		conn, err := pgx.Connect(ctx, s.Address("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// launch starts the program.
func (s *Server) launch(log *os.File) error {
	postgres, ended := s.command("postgres", "-D", s.data(), "-k", s.folder, "-c", "listen_addresses="), make(chan struct{})
	postgres.Stdout, postgres.Stderr = log, log
	if err := postgres.Start(); err != nil {
		return err
	}
	s.postgres, s.ended = postgres, ended
	go func() {
		_ = postgres.Wait() // however it ended
		close(ended)
	}()
	return nil
}

// runs says if it was started, and has not ended by itself.
func (s *Server) runs() bool {
	if s.postgres == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Kill ends the server at once, as a fault of its machine would.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// end ends the server with all that it started, which are its children.
func (s *Server) end(how syscall.Signal) {
	if s.postgres == nil {
		return
	}
	if how == syscall.SIGKILL {
		syscall.Kill(-s.postgres.Process.Pid, how) // it leads a group of its own
	}
	s.postgres.Process.Signal(how)
	<-s.ended
	s.postgres = nil
}

// Remove ends the server, and removes its folder.
func (s *Server) Remove() {
	s.end(syscall.SIGQUIT) // at once: nobody wants its data
	os.RemoveAll(s.folder)
}

// Address is the URL of one of its databases.
func (s *Server) Address(database string) string {
	return "postgres://landed@/" + database + "?host=" + s.folder
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// command is a program of PostgreSQL as the owner of the folder. It ends with its parent where the system offers that.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.folder
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.owner}
	endWithParent(cmd.SysProcAttr)
	return cmd
}

// programs is the folder of initdb and postgres: the newest.
func programs() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	folders = append(folders, filepath.SplitList(os.Getenv("PATH"))...)
	for _, folder := range folders {
		_, err1 := os.Stat(filepath.Join(folder, "initdb"))
		_, err2 := os.Stat(filepath.Join(folder, "postgres"))
		if err1 == nil && err2 == nil {
			return folder, nil
		}
	}
	return "", errNone
}

func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

// someUser is whom the server runs as if the tests are root's.
func someUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// Program is the path of a program of PostgreSQL, such as pg_dump. The test is skipped where there is none.
func Program(t testing.TB, name string) string {
	t.Helper()
	folder, err := programs()
	if err == nil {
		_, err = os.Stat(filepath.Join(folder, name))
	}
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(folder, name)
}
