package warehouse

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Damage is what a table has lost.
type Damage struct {
	Table string
	// Of is whose rows they are: a load (ld_12), totals or a run; empty for the table as a whole.
	Of string
	// Expected and Found are numbers of rows. Where they are equal, rows are there, but in an older state.
	Expected, Found uint64
	// Lost: there is not one row, not even the first.
	Lost bool
	// SetAside is the folder of a damaged part that the engine does not use; empty for anything else.
	SetAside string
}

func (d Damage) String() string {
	name := d.Table
	if d.Of != "" {
		name += " of " + d.Of
	}
	switch {
	case d.SetAside != "":
		return name + ": the engine has set aside a damaged part, " + d.SetAside
	case d.Lost:
		return name + ": the record of what must be stored is gone"
	case d.Found > d.Expected:
		return fmt.Sprintf("%s: %d rows, %d more than there must be", name, d.Found, d.Found-d.Expected)
	case d.Found == d.Expected:
		return name + ": the newest state of some rows is missing"
	default:
		return fmt.Sprintf("%s: %d of %d rows are missing", name, d.Expected-d.Found, d.Expected)
	}
}

// DamagedError is ErrDamaged with what is missing.
type DamagedError struct {
	Warehouse string
	Damage    []Damage
}

const mostDamage = 5

func (e *DamagedError) Error() string {
	var list []string
	for i, damage := range e.Damage {
		if i == mostDamage {
			list = append(list, fmt.Sprintf("and %d more", len(e.Damage)-i))
			break
		}
		list = append(list, damage.String())
	}
	return fmt.Sprintf("read warehouse %s: %v: %s; %s; creditmill verify --deep names every damaged file",
		e.Warehouse, ErrDamaged, strings.Join(list, "; "), e.advice())
}

// Unwrap makes it ErrDamaged.
func (e *DamagedError) Unwrap() error { return ErrDamaged }

// Only tells whether nothing but these tables is damaged.
func (e *DamagedError) Only(tables ...string) bool {
	return !slices.ContainsFunc(e.Damage, func(d Damage) bool { return !slices.Contains(tables, d.Table) })
}

var (
	// TablesOfLoads have the rows of loads: withdrawing a load and loading its file again brings them back.
	TablesOfLoads = []string{"usage_events", "duplicate_events", "replaced_events", "rejects", "load_objects"}
	// TablesOfFigures are made of the others; aggregate makes them again where they have lost rows.
	TablesOfFigures = []string{"usage_daily", "usage_totals", "balances", "period_spend"}
)

func (e *DamagedError) advice() string {
	switch {
	case e.Only(TablesOfFigures...):
		return "run creditmill aggregate, which makes them again"
	case e.Only(slices.Concat(TablesOfLoads, TablesOfFigures)...):
		ofLoad := func(d Damage) bool { return slices.Contains(TablesOfLoads, d.Table) }
		return fmt.Sprintf("restore a backup, or withdraw each load and load its file again (creditmill unload %s)",
			e.Damage[slices.IndexFunc(e.Damage, ofLoad)].Of)
	default:
		return "restore a backup (without one: creditmill verify --accept-loss)"
	}
}

// unreadableCodes are the engine's errors over a file that is not as it was written.
var unreadableCodes = []int32{
	32,  // ATTEMPT_TO_READ_AFTER_EOF
	33,  // CANNOT_READ_ALL_DATA
	40,  // CHECKSUM_DOESNT_MATCH
	107, // FILE_DOESNT_EXIST
	226, // NO_FILE_IN_DATA_PART
	228, // BAD_SIZE_OF_FILE_IN_DATA_PART
	246, // CORRUPTED_DATA
	271, // CANNOT_DECOMPRESS
	432, // UNKNOWN_CODEC
	740, // POTENTIALLY_BROKEN_DATA_PART
}

// unreadableError is the engine's error over a damaged file, in fewer words.
type unreadableError struct {
	file   string // empty where the engine does not say which
	engine *clickhouse.Exception
}

func (e *unreadableError) Error() string {
	what, _, _ := strings.Cut(e.engine.Message, ". ")
	if e.file != "" {
		what = e.file + ": " + what
	}
	return fmt.Sprintf("%v: %s (ClickHouse's code %d); creditmill verify --deep names every damaged file; restore a "+
		"backup", ErrDamaged, what, e.engine.Code)
}

func (e *unreadableError) Unwrap() []error { return []error{ErrDamaged, e.engine} }

var unreadableFile = regexp.MustCompile(`reading or decompressing (\S+)|reading from part (\S+)`)

// explainUnreadable makes the engine's error over a damaged file ErrDamaged, and says what to do about it, or about a
// limit of the machine.
func explainUnreadable(err error) error {
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		return err
	}
	if !slices.Contains(unreadableCodes, exception.Code) {
		return withAdvice(err)
	}
	unreadable := &unreadableError{engine: exception}
	if named := unreadableFile.FindStringSubmatch(exception.Message); named != nil {
		unreadable.file = named[1] + named[2]
	}
	return unreadable
}

var refusedTable = regexp.MustCompile(`Load job 'load table ([^']+)' failed: .*?Suspiciously many \((\d+) parts`)

// damagedAtStart tells from the engine's last words that it refused to start without the damaged parts of a table.
func damagedAtStart(log string) error {
	refused := refusedTable.FindStringSubmatch(log)
	if refused == nil {
		return nil
	}
	return fmt.Errorf("%w: damaged parts of table %s: %s", ErrDamaged, refused[1], refused[2])
}
