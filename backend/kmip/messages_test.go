package kmip_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

func openError(t testing.TB, o backend.Options) error {
	t.Helper()
	k, err := backend.Open(t.Context(), o, nil)
	if err == nil {
		k.Close()
		t.Fatal("Open succeeded")
	}
	return err
}

// What a user reads when the connection cannot be made. The cures with the names
// of options are the configuration's (config/percona); here it says "CURE".
func TestMessages_Connection(t *testing.T) {
	w := newWorld(t, nil)
	frozen := faultnet.New(t, w.server.Addr)
	frozen.Set(faultnet.Freeze())
	other := kmiptest.NewAuthority(t)
	serve := func(conf *tls.Config) string { return kmiptest.NewServer(t, conf, w.keeper.Handle).Addr }
	expired := w.ca.Issue("expired", kmiptest.NewKey(t), &x509.Certificate{
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	web := faultnet.Serve(t, func(c net.Conn) {
		s := tls.Server(c, w.ca.ServerConfig(w.ca.Server()))
		if s.Handshake() == nil {
			var b [8]byte
			s.Read(b[:])
			io.WriteString(s, "HTTP/1.1 400 Bad Request\r\n\r\n")
			s.Close()
		}
	})
	closed := freeAddr(t)
	for name, c := range map[string]struct {
		addr string
		kind error
		want []string
	}{
		"port closed":       {closed, keyring.ErrUnreachable, []string{"cannot connect to the key server (" + closed + "): ", "connection refused. CURE"}},
		"no such host":      {"no-such-host.invalid:5696", keyring.ErrUnreachable, []string{"cannot find the key server (no-such-host.invalid:5696): "}},
		"silence":           {frozen.Addr(), keyring.ErrUnreachable, []string{"the time ran out. CURE"}},
		"TLS, not KMIP":     {web, keyring.ErrUnreachable, []string{"no answer from the key server (" + web + "): it speaks TLS, but not KMIP"}},
		"not TLS":           {faultnet.Serve(t, func(c net.Conn) { io.WriteString(c, "220 mail ESMTP ready\r\n") }), keyring.ErrUnreachable, []string{"the server does not speak TLS on this port"}},
		"wrong host name":   {serve(w.ca.ServerConfig(w.ca.Server("kms.example", "10.1.2.3"))), keyring.ErrUnreachable, []string{"the server's certificate is for kms.example, 10.1.2.3, not for \"127.0.0.1\". CURE"}},
		"unknown authority": {serve(w.ca.ServerConfig(other.Server())), keyring.ErrUnreachable, []string{"is not trusted", "CURE"}},
		"expired":           {serve(w.ca.ServerConfig(expired)), keyring.ErrUnreachable, []string{"is valid from", "expired", "CURE"}},
		"we are refused":    {serve(other.ServerConfig(w.ca.Server())), keyring.ErrDenied, []string{"the server refused the TLS connection: ", "CURE"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.o
			o.Servers, o.Timeout, o.StartTimeout = []string{c.addr}, 500*time.Millisecond, 2*time.Second
			o.Cure = func(error) string { return "CURE" }
			err := openError(t, o)
			t.Log(err)
			if keyring.KindOf(err) != c.kind || errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("kind %v", keyring.KindOf(err))
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
	t.Run("all of a list", func(t *testing.T) {
		o := w.o
		o.Servers = []string{closed, freeAddr(t)}
		o.Cure = func(error) string { return "CURE" }
		err := openError(t, o)
		if strings.Count(err.Error(), "cannot connect") != 2 || strings.Count(err.Error(), "CURE") != 1 {
			t.Errorf("%v", err)
		}
	})
	t.Run("switched off", func(t *testing.T) {
		for name, set := range map[string]func(*backend.Options){
			"name": func(o *backend.Options) { o.SkipHostnameVerification = true },
			"peer": func(o *backend.Options) { o.SkipPeerVerification, o.ServerCAFile = true, "" },
		} {
			o := w.o
			o.Servers = []string{serve(w.ca.ServerConfig(w.ca.Server("kms.example")))}
			set(&o)
			if k, err := backend.Open(t.Context(), o, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			} else {
				k.Close()
			}
		}
	})
}

func TestMessages_Files(t *testing.T) {
	w := newWorld(t, nil)
	other := w.ca.Client("other")
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set  func(*backend.Options)
		want []string
	}{
		"no such files":  {func(o *backend.Options) { o.ClientCertFile, o.ServerCAFile = "/nowhere/c.pem", "/nowhere/ca.pem" }, []string{"/nowhere/c.pem", "/nowhere/ca.pem", "no such file"}},
		"mismatch":       {func(o *backend.Options) { o.ClientKeyFile = other.KeyFile }, []string{other.KeyFile, "does not belong to the certificate"}},
		"not PEM":        {func(o *backend.Options) { o.ServerCAFile = broken }, []string{broken, "not in PEM form"}},
		"version":        {func(o *backend.Options) { o.ProtocolVersion = "3.0" }, []string{`"3.0"`}},
		"server address": {func(o *backend.Options) { o.Servers = []string{"kms.example"} }, []string{`"kms.example"`}},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.o
			c.set(&o)
			err := openError(t, o)
			if keyring.KindOf(err) != keyring.ErrInvalid {
				t.Errorf("kind %v", keyring.KindOf(err))
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
}

// What each refusal of a server becomes, for each operation that it may answer:
// never "absent", except Item Not Found about a key's own object.
func TestMessages_Refusals(t *testing.T) {
	kinds := map[kmip.ResultReason]error{
		kmip.ReasonAuthenticationNotSuccessful: keyring.ErrDenied, kmip.ReasonPermissionDenied: keyring.ErrDenied,
		kmip.ReasonGeneralFailure: keyring.ErrUnreachable, kmip.ReasonResponseTooLarge: keyring.ErrUnreachable,
		kmip.ReasonInvalidMessage: keyring.ErrUnreachable, kmip.ReasonInvalidField: keyring.ErrInvalid, kmip.ReasonOperationNotSupported: keyring.ErrInvalid,
		kmip.ReasonCryptographicFailure: keyring.ErrCorrupt, kmip.ReasonIllegalOperation: keyring.ErrInactive, kmip.ReasonObjectArchived: keyring.ErrInactive,
		kmip.ReasonNotExtractable: keyring.ErrDenied,
	}
	w := newWorld(t, nil)
	refuse := func(op kmip.Operation, reason kmip.ResultReason) {
		w.keeper.Hook(func(p kmip.Payload) error {
			if p.Operation() == op {
				return kmip.Errorf(reason, "because")
			}
			return nil
		}, nil)
	}
	w.add("there", bytesOf(16, 1), kmip.StateActive)
	k := w.open()
	for reason := range kinds {
		refuse(kmip.OpLocate, reason)
		_, _, err := fetch(t, k, keyring.ID{Name: "absent"})
		stored := k.Store(t.Context(), keyring.ID{Name: "new"}, key(bytesOf(16, 2)))
		removed := k.Remove(t.Context(), keyring.ID{Name: "there"})
		refuse(kmip.OpRegister, reason)
		registered := k.Store(t.Context(), keyring.ID{Name: "new"}, key(bytesOf(16, 2)))
		for what, err := range map[string]error{"Fetch": err, "Store": stored, "Remove": removed, "Register": registered} {
			if err == nil || keyring.KindOf(err) != kinds[reason] {
				t.Errorf("%s, %s: %v is %v", what, reason, err, keyring.KindOf(err))
				continue
			}
			if want := fmt.Sprintf("the key server refused (%s): ", w.server.Addr); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), reason.String()+": because") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	w.keeper.Hook(nil, nil)
	mustHave(t, k, keyring.ID{Name: "there"}, "AES", bytesOf(16, 1))
}

// Item Not Found is an answer to Locate as good as an empty list, and no answer to
// Register.
func TestItemNotFound(t *testing.T) {
	w := newWorld(t, nil)
	k := w.open()
	refuse := func(op kmip.Operation) {
		w.keeper.Hook(func(p kmip.Payload) error {
			if p.Operation() == op {
				return kmip.Errorf(kmip.ReasonItemNotFound, "nothing")
			}
			return nil
		}, nil)
	}
	refuse(kmip.OpLocate)
	if _, _, err := fetch(t, k, keyring.ID{Name: "k"}); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
	if err := k.Store(t.Context(), keyring.ID{Name: "k"}, key(bytesOf(16, 1))); err != nil {
		t.Errorf("%v", err)
	}
	for _, op := range []kmip.Operation{kmip.OpRegister, kmip.OpActivate} {
		refuse(op)
		if err := k.Store(t.Context(), keyring.ID{Name: "k2"}, key(bytesOf(16, 1))); keyring.KindOf(err) != keyring.ErrUnreachable {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// A server that answers a question for an attribute that an object lacks with
// Item Not Found does not make the object absent.
func TestItemNotFound_OfAnAttribute(t *testing.T) {
	w := newWorld(t, func(k *kmipKeeper) {
		k.Before = func(p kmip.Payload) error {
			if g, ok := p.(*kmip.GetAttributesRequest); ok && len(g.Names) > 1 {
				return kmip.Errorf(kmip.ReasonItemNotFound, "no such attribute")
			}
			return nil
		}
	})
	w.add("before", bytesOf(16, 1), kmip.StateActive)
	k := w.open()
	w.add("after", bytesOf(16, 2), kmip.StateActive)
	mustHave(t, k, keyring.ID{Name: "before"}, "AES", bytesOf(16, 1))
	mustHave(t, k, keyring.ID{Name: "after"}, "AES", bytesOf(16, 2))
}

func TestMessages_StartTimeout(t *testing.T) {
	w := newWorld(t, nil)
	w.add("k", bytesOf(16, 1), kmip.StateActive)
	p := faultnet.New(t, w.server.Addr)
	p.Set(faultnet.Freeze())
	w.o.Servers, w.o.StartTimeout = []string{p.Addr()}, 100*time.Millisecond
	w.o.Cure = func(err error) string {
		var e *backend.StartTimeoutError
		return fmt.Sprint("CURE ", errors.As(err, &e))
	}
	err := openError(t, w.o)
	if want := "the keys were not read in time (" + p.Addr() + "): 100ms were not enough. CURE true"; !strings.Contains(err.Error(), want) || keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Errorf("%v", err)
	}
}

func TestStatus_TellsTheLastError(t *testing.T) {
	w := newWorld(t, nil)
	p := faultnet.New(t, w.server.Addr)
	w.o.Servers, w.o.Timeout = []string{p.Addr()}, time.Second
	w.o.Cure = func(error) string { return "CURE" }
	k := w.open()
	last := func() string {
		rows := k.(keyring.StatusReporter).Status()
		return rows[len(rows)-1].Value
	}
	if last() != "<NONE>" {
		t.Error(last())
	}
	p.Set(faultnet.Refuse())
	fetch(t, k, keyring.ID{Name: "absent"})
	if !strings.Contains(last(), "cannot connect to the key server ("+p.Addr()+")") || !strings.Contains(last(), "CURE") {
		t.Error(last())
	}
	p.Set(faultnet.Pass())
	fetch(t, k, keyring.ID{Name: "absent"})
	if last() != "<NONE>" {
		t.Error(last())
	}
}
