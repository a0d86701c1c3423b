package subscription

import (
	"testing"

	"github.com/creditmill/creditmill/schemas"
)

// TestGivenByTheMonth: the days of short months are clamped, and each is reckoned from the first.
func TestGivenByTheMonth(t *testing.T) {
	grant := Grant{
		ID: "g", Credits: credits("5"), StartsAt: instant("2026-01-31T17:45:00Z"), Every: schemas.IntervalMonth,
		Until: instant("2026-04-30T17:45:00Z"),
	}
	want := []string{"2026-01-31T17:45:00Z", "2026-02-28T17:45:00Z", "2026-03-31T17:45:00Z", "2026-04-30T17:45:00Z"}
	catalog := mustCatalog(t, granting)
	given := Given([]Grant{grant}, nil, catalog, instant("2026-12-01T00:00:00Z"))
	if len(given) != 3 {
		t.Fatalf("%+v", given)
	}
	for i, one := range given {
		if !one.StartsAt.Equal(instant(want[i])) || !one.ExpiresAt.Equal(instant(want[i+1])) {
			t.Errorf("%d: %s to %s", i, one.StartsAt, one.ExpiresAt)
		}
	}
	if given[0].ID == given[1].ID {
		t.Error("two times have one id")
	}
	if early := Given([]Grant{grant}, nil, catalog, instant("2025-12-01T00:00:00Z")); len(early) != 1 {
		t.Errorf("before it begins: %+v", early)
	}
}

// TestGrantAfterClosed: what a closed stretch knew of a grant holds in it, anything else from its end on.
func TestGrantAfterClosed(t *testing.T) {
	october := schemas.Period{Start: instant("2026-10-01T00:00:00Z"), End: instant("2026-11-01T00:00:00Z")}
	revoked := Grant{ID: "g", StartsAt: october.Start, RevokedAt: instant("2026-10-20T00:00:00Z")}
	const mark = "g\nrevoked\n2026-10-20T00:00:00Z"
	later := revoked
	later.RevokedAt = instant("2026-11-05T00:00:00Z")
	tests := []struct {
		name           string
		grant          Grant
		known          []string
		starts, revoke string
		useful         bool
	}{
		{"unknown", later, nil, "2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z", true},
		{"known", later, []string{"g"}, "2026-10-01T00:00:00Z", "2026-11-05T00:00:00Z", true},
		{"revoked unknown", revoked, []string{"g"}, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", true},
		{"revoked known", revoked, []string{"g", mark}, "2026-10-01T00:00:00Z", "2026-10-20T00:00:00Z", true},
		{"neither known", revoked, nil, "2026-11-01T00:00:00Z", "2026-10-20T00:00:00Z", false},
	}
	for _, test := range tests {
		got := test.grant.AfterClosed(&Closed{Period: october, Grants: test.known})
		if !got.StartsAt.Equal(instant(test.starts)) || !got.RevokedAt.Equal(instant(test.revoke)) ||
			got.Useful() != test.useful {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	span := Span{Period: october}
	if known := span.Close("c", nil, []Grant{revoked, later}).Grants; len(known) != 3 || known[1] != mark {
		t.Errorf("%q", known)
	}
}
