package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// Roles say what the holder of a token may do. Admin may do everything.
const (
	RoleGateway  = "gateway"
	RoleUploader = "uploader"
	RoleAnalyst  = "analyst"
	RoleFinance  = "finance"
	RoleApprover = "approver"
	RoleAdmin    = "admin"
)

// Roles are all of them.
var Roles = []string{RoleGateway, RoleUploader, RoleAnalyst, RoleFinance, RoleApprover, RoleAdmin}

// tokenPrefix begins every token, so that scanners of secrets know one.
const tokenPrefix = "cmt_"

// ErrToken is returned for a token that cannot be made or found.
var ErrToken = errors.New("no such token")

// Token is what is stored of a token: its secret is not.
type Token struct {
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at"`
}

// valid tells whether it opens anything at a time.
func (t Token) valid(at time.Time) bool {
	return t.RevokedAt == nil && (t.ExpiresAt == nil || at.Before(*t.ExpiresAt))
}

// Tokens keeps tokens in the warehouse.
type Tokens struct{ Warehouse *warehouse.Warehouse }

// Create makes a token of a name that no valid one has, and returns its secret, which is stored nowhere.
func (t Tokens) Create(ctx context.Context, token Token) (secret string, err error) {
	all, err := t.List(ctx)
	if err != nil {
		return "", err
	}
	taken := slices.ContainsFunc(all, func(one Token) bool { return one.Name == token.Name && one.valid(token.CreatedAt) })
	switch {
	case !slices.Contains(Roles, token.Role):
		return "", fmt.Errorf("create token %s: want a role of %s, not %q", token.Name, strings.Join(Roles, ", "), token.Role)
	case taken:
		return "", fmt.Errorf("create token %s: there is one of that name; revoke it first", token.Name)
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("create token %s: %w", token.Name, err)
	}
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	return secret, t.write(ctx, token, hashOf(secret))
}

// Revoke ends the token of a name.
func (t Tokens) Revoke(ctx context.Context, name string, at time.Time) error {
	rows, err := t.read(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if token := row.token(); token.Name == name && token.valid(at) {
			token.RevokedAt = &at
			return t.write(ctx, token, row.Hash)
		}
	}
	return fmt.Errorf("revoke token %s: %w", name, ErrToken)
}

// List returns all tokens, revoked and expired ones too, the latest last.
func (t Tokens) List(ctx context.Context) ([]Token, error) {
	rows, err := t.read(ctx)
	tokens := make([]Token, 0, len(rows))
	for _, row := range rows {
		tokens = append(tokens, row.token())
	}
	return tokens, err
}

type tokenRow struct {
	Hash      string     `ch:"token_hash"`
	Name      string     `ch:"name"`
	Role      string     `ch:"role"`
	CreatedAt time.Time  `ch:"created_at"`
	ExpiresAt *time.Time `ch:"expires_at"`
	RevokedAt *time.Time `ch:"revoked_at"`
}

func (r tokenRow) token() Token {
	return Token{
		Name: r.Name, Role: r.Role, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: utc(r.ExpiresAt), RevokedAt: utc(r.RevokedAt),
	}
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	in := at.UTC()
	return &in
}

func (t Tokens) read(ctx context.Context) ([]tokenRow, error) {
	rows, err := warehouse.Select[tokenRow](ctx, t.Warehouse, "serve/tokens.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return rows, nil
}

func (t Tokens) write(ctx context.Context, token Token, hash string) error {
	revision := uint32(1)
	if token.RevokedAt != nil {
		revision = 2
	}
	err := t.Warehouse.Exec(ctx, "serve/write_token.sql", warehouse.Params{
		"token_hash": hash, "revision": revision, "name": token.Name, "role": token.Role, "created_at": token.CreatedAt,
		"expires_at": orNull(token.ExpiresAt), "revoked_at": orNull(token.RevokedAt),
	})
	if err != nil {
		return fmt.Errorf("store token %s: %w", token.Name, err)
	}
	return nil
}

// orNull is a time as a parameter of a statement.
func orNull(at *time.Time) any {
	if at == nil {
		return nil
	}
	return *at
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// knownFor is how long a look at the tokens is good for: a revoked one opens nothing after it.
const knownFor = 5 * time.Second

// keyring knows the tokens by their hashes.
type keyring struct {
	tokens Tokens
	now    func() time.Time
	mu     sync.Mutex
	byHash map[string]Token
	readAt time.Time
}

// find returns the valid token of a secret.
func (k *keyring) find(ctx context.Context, secret string) (Token, bool, error) {
	return k.of(ctx, hashOf(secret))
}

// of returns the valid token of a hash.
func (k *keyring) of(ctx context.Context, hash string) (Token, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := k.look(ctx)
	token, found := k.byHash[hash]
	return token, err == nil && found && token.valid(now), err
}

// named returns the valid token of a name, and its hash: there is at most one.
func (k *keyring) named(ctx context.Context, name string) (token Token, hash string, found bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := k.look(ctx)
	if err != nil {
		return Token{}, "", false, err
	}
	for hash, token := range k.byHash {
		if token.Name == name && token.valid(now) {
			return token, hash, true, nil
		}
	}
	return Token{}, "", false, nil
}

// look reads the tokens where what is known of them is too old, and returns the time.
func (k *keyring) look(ctx context.Context) (time.Time, error) {
	now := k.now()
	if age := now.Sub(k.readAt); age <= knownFor && age >= 0 {
		return now, nil
	}
	rows, err := k.tokens.read(ctx)
	if err != nil {
		return now, err
	}
	k.readAt, k.byHash = now, make(map[string]Token, len(rows))
	for _, row := range rows {
		k.byHash[row.Hash] = row.token()
	}
	return now, nil
}
