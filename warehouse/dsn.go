package warehouse

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	embeddedScheme   = "embedded:"
	defaultDatabase  = "creditmill"
	nativePort       = "9000"
	secureNativePort = "9440"
)

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// target is a DSN taken apart. For an embedded warehouse the address and the login come from the running engine.
type target struct {
	directory string   // of the embedded warehouse, absolute; empty for a server
	address   string   // host:port of the native protocol; of a cluster, its home once that is known
	cluster   string   // name in the server's remote_servers; empty for one server
	asked     []string // addresses as the DSN names them, of which any may tell the shards of the cluster
	database  string
	user      string
	password  string
	tls       *tls.Config
}

func (t target) embedded() bool { return t.directory != "" }

// String never shows the password.
func (t target) String() string {
	if t.embedded() {
		name := embeddedScheme + t.directory
		if t.database != defaultDatabase {
			name += "?database=" + t.database
		}
		return name
	}
	shown := url.URL{
		Scheme: "clickhouse", User: url.User(t.user), Host: strings.Join(t.asked, ","), Path: "/" + t.database,
	}
	options := url.Values{}
	if t.cluster != "" {
		options.Set("cluster", t.cluster)
	}
	if t.tls != nil {
		options.Set("secure", "true")
	}
	shown.RawQuery = options.Encode()
	return shown.String()
}

func parseDSN(dsn, password string) (target, error) {
	switch {
	case dsn == "":
		return target{}, fmt.Errorf("read warehouse: none is named; want embedded:DIR or clickhouse://…: %w", ErrConfig)
	case strings.HasPrefix(dsn, embeddedScheme):
		return parseEmbedded(strings.TrimPrefix(dsn, embeddedScheme))
	case strings.HasPrefix(dsn, "clickhouse://"):
		return parseServer(dsn, password)
	default:
		// The text is not shown: it may hold a password.
		return target{}, fmt.Errorf("read warehouse: want embedded:DIR or "+
			"clickhouse://user@host:9000/database: %w", ErrConfig)
	}
}

func parseEmbedded(rest string) (target, error) {
	directory, query, _ := strings.Cut(rest, "?")
	if directory == "" {
		return target{}, fmt.Errorf("read warehouse: embedded: needs a directory, "+
			"as in embedded:./creditmill-data: %w", ErrConfig)
	}
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return target{}, fmt.Errorf("find warehouse directory %s: %w", directory, err)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return target{}, fmt.Errorf("read warehouse %s: the part after ? cannot be read: %w", directory, ErrConfig)
	}
	parsed := target{directory: absolute, database: defaultDatabase}
	for key := range values {
		if key != "database" {
			return target{}, fmt.Errorf("read warehouse %s: unknown option %q: %w", directory, key, ErrConfig)
		}
		parsed.database = values.Get(key)
	}
	return parsed, checkDatabase(parsed.database)
}

func parseServer(dsn, password string) (target, error) {
	parsed, err := url.Parse(dsn)
	if err != nil {
		// url's own error repeats the text, password and all.
		return target{}, fmt.Errorf("read warehouse: the clickhouse:// address cannot be read "+
			"(special characters in a password are written as %%XX): %w", ErrConfig)
	}
	t := target{database: strings.TrimPrefix(parsed.Path, "/"), user: "default", password: password}
	if t.database == "" {
		t.database = "default"
	}
	if parsed.User != nil && parsed.User.Username() != "" {
		t.user = parsed.User.Username()
	}
	if given, has := parsed.User.Password(); has {
		t.password = given
	}
	port, err := t.applyOptions(parsed.Query())
	if err != nil {
		return target{}, err
	}
	for host := range strings.SplitSeq(parsed.Host, ",") {
		one := url.URL{Host: host}
		if one.Hostname() == "" {
			return target{}, fmt.Errorf("read warehouse: the clickhouse:// address names no host: %w", ErrConfig)
		}
		t.asked = append(t.asked, net.JoinHostPort(one.Hostname(), cmp.Or(one.Port(), port)))
		if t.tls != nil && t.tls.ServerName == "" {
			t.tls.ServerName = one.Hostname()
		}
	}
	if len(t.asked) > 1 && t.cluster == "" {
		return target{}, fmt.Errorf("read warehouse: several hosts need ?cluster=NAME: %w", ErrConfig)
	}
	t.address = t.asked[0]
	return t, checkDatabase(t.database)
}

// applyOptions reads what stands after the ? and returns the default port that follows from it.
func (t *target) applyOptions(options url.Values) (port string, err error) {
	port = nativePort
	for key := range options {
		switch key {
		case "secure":
			secure, err := strconv.ParseBool(options.Get(key))
			if err != nil {
				return "", fmt.Errorf("read warehouse: secure is true or false: %w", ErrConfig)
			}
			if secure {
				t.tls = &tls.Config{MinVersion: tls.VersionTLS12}
				port = secureNativePort
			}
		case "cluster":
			if t.cluster = options.Get(key); t.cluster == "" {
				return "", fmt.Errorf("read warehouse: cluster= needs a name of the server's system.clusters: %w", ErrConfig)
			}
		default:
			return "", fmt.Errorf("read warehouse: unknown option %q (known: secure, cluster): %w", key, ErrConfig)
		}
	}
	return port, nil
}

func checkDatabase(name string) error {
	if !databaseName.MatchString(name) {
		return fmt.Errorf("read warehouse: %q is not a name for a database "+
			"(letters, digits and _, at most 63): %w", name, ErrConfig)
	}
	return nil
}
