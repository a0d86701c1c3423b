package subscription

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// ImportColumns are the fields of a row of `customers import`. Only customer_id is needed; a product needs starts_at.
var ImportColumns = []string{
	"customer_id", "product", "starts_at", "ends_at", "anchor", "stripe_customer", "stripe_subscription",
}

// ImportError is a row of an import file that cannot be taken.
type ImportError struct {
	File string
	Row  int // from 1; in CSV the header is row 1
	Err  error
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("%s:%d: %v", schemas.Visible(e.File), e.Row, e.Err)
}

// Unwrap returns what is wrong with the row.
func (e *ImportError) Unwrap() error { return e.Err }

// Import is a file of customers and subscriptions.
type Import struct {
	// File is its name, for messages.
	File string
	// Body is CSV with a header, or JSON Lines.
	Body    io.Reader
	Catalog *schemas.Catalog
}

// importRow is a row as it was read; a row without a product only makes the customer known.
type importRow struct {
	Subscription
	stripeCustomer string
	number         int
}

// What bounds an import, which is in memory as a whole. A file with more may be split: the rows of the parts add up.
const (
	maxImportBytes    = 64 << 20
	maxImportRows     = 500_000
	maxImportField    = 1024
	maxImportMistakes = 100 // that are told
)

func (f Import) read() ([]importRow, error) {
	text, err := io.ReadAll(io.LimitReader(f.Body, maxImportBytes+1))
	if err == nil && len(text) > maxImportBytes {
		err = fmt.Errorf("it has more than %d bytes: split it, and import the parts one after the other", maxImportBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.File, err)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return f.readJSON(text)
	}
	return f.readCSV(text)
}

func (f Import) readCSV(text []byte) ([]importRow, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.File, err)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if !slices.Contains(ImportColumns, header[i]) || slices.Contains(header[:i], header[i]) {
			return nil, &ImportError{f.File, 1, fmt.Errorf("column %q is unknown or repeated; columns are %s",
				header[i], strings.Join(ImportColumns, ", "))}
		}
	}
	var rows []importRow
	var mistakes []error
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, f.join(mistakes)
		}
		if err == nil && len(rows)+len(mistakes) >= maxImportRows {
			err = errManyRows
		}
		if err != nil {
			return nil, errors.Join(f.join(mistakes), fmt.Errorf("read %s: %w", f.File, err))
		}
		values := make(map[string]string, len(header))
		for i, name := range header {
			values[name] = fields[i]
			if name != "customer_id" { // whose blanks are a mistake, as they are in usage
				values[name] = strings.TrimSpace(fields[i])
			}
		}
		line, _ := reader.FieldPos(0)
		rows, mistakes = f.take(rows, mistakes, line, values)
	}
}

func (f Import) readJSON(text []byte) ([]importRow, error) {
	var rows []importRow
	var mistakes []error
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if len(rows)+len(mistakes) >= maxImportRows {
			return nil, errors.Join(f.join(mistakes), fmt.Errorf("read %s: %w", f.File, errManyRows))
		}
		var fields map[string]*string
		if err := json.Unmarshal(line, &fields); err != nil {
			mistakes = append(mistakes, &ImportError{f.File, number, fmt.Errorf("want an object of strings: %w", err)})
			continue
		}
		values := make(map[string]string, len(fields))
		for name, value := range fields {
			if !slices.Contains(ImportColumns, name) {
				mistakes = append(mistakes, &ImportError{f.File, number, fmt.Errorf("field %q is unknown; fields are %s",
					name, strings.Join(ImportColumns, ", "))})
			}
			if value != nil {
				values[name] = *value
			}
		}
		rows, mistakes = f.take(rows, mistakes, number, values)
	}
	return rows, f.join(mistakes)
}

var errManyRows = fmt.Errorf("it has more than %d rows: split it, and import the parts one after the other",
	maxImportRows)

// join makes one error of mistakes, which may be nil, and tells the first of very many in the order of the file.
func (f Import) join(mistakes []error) error {
	mistakes = slices.DeleteFunc(mistakes, func(err error) bool { return err == nil })
	slices.SortStableFunc(mistakes, func(a, b error) int { return rowOf(a) - rowOf(b) })
	if more := len(mistakes) - maxImportMistakes; more > 0 {
		mistakes = append(mistakes[:maxImportMistakes], fmt.Errorf("and %d more", more))
	}
	return errors.Join(mistakes...)
}

func rowOf(err error) int {
	var mistake *ImportError
	if errors.As(err, &mistake) {
		return mistake.Row
	}
	return 0
}

func (f Import) take(
	rows []importRow, mistakes []error, number int, values map[string]string,
) ([]importRow, []error) {
	row, err := f.parse(values)
	for name, value := range values {
		if len(value) > maxImportField {
			err = fmt.Errorf("%s: has %d bytes, at most %d are allowed", name, len(value), maxImportField)
		}
	}
	if err != nil {
		return rows, append(mistakes, &ImportError{f.File, number, err})
	}
	row.number = number
	return append(rows, row), mistakes
}

// CheckCustomerID returns why no customer can have the id.
func CheckCustomerID(id string) error {
	const most = 256
	if id == "" || len(id) > most {
		return fmt.Errorf("want 1 to %d bytes", most)
	}
	if problem := schemas.NameProblem([]byte(id)); problem != "" {
		return errors.New(problem)
	}
	return nil
}

func (f Import) parse(values map[string]string) (importRow, error) {
	row := importRow{stripeCustomer: values["stripe_customer"], Subscription: Subscription{
		CustomerID: values["customer_id"], Product: values["product"],
		StripeSubscription: values["stripe_subscription"], Origin: OriginImport,
	}}
	if err := CheckCustomerID(row.CustomerID); err != nil {
		return row, fmt.Errorf("customer_id: %w", err)
	}
	times := map[string]*time.Time{"starts_at": &row.StartsAt, "ends_at": &row.EndsAt, "anchor": &row.Anchor}
	for _, name := range []string{"starts_at", "ends_at", "anchor"} {
		at, err := parseImportTime(values[name], f.Catalog.Timezone)
		if err != nil {
			return row, fmt.Errorf("%s: %w", name, err)
		}
		*times[name] = at
	}
	if row.Product == "" {
		if !row.StartsAt.IsZero() || !row.EndsAt.IsZero() || !row.Anchor.IsZero() || row.StripeSubscription != "" {
			return row, errors.New("product: needed with starts_at, ends_at, anchor or stripe_subscription")
		}
		return row, nil
	}
	product, ok := f.Catalog.Product(row.Product)
	switch {
	case !ok:
		return row, UnknownProduct(f.Catalog, row.Product)
	case product.Default:
		return row, fmt.Errorf("product: %s is what customers without a subscription have; leave it empty", product.ID)
	case row.StartsAt.IsZero():
		return row, errors.New("starts_at: needed with a product")
	case !row.EndsAt.IsZero() && !row.EndsAt.After(row.StartsAt):
		return row, errors.New("ends_at: want a time after starts_at")
	}
	if row.Anchor.IsZero() {
		row.Anchor = row.StartsAt
	}
	return row, nil
}

func parseImportTime(text string, loc *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := schemas.ParseTime(text, loc)
	if err != nil {
		return time.Time{}, err
	}
	if at.Before(beginning) || !at.Before(beginning.AddDate(100, 0, 0)) {
		return time.Time{}, fmt.Errorf("want a time from 2000 to 2099, not %q", text)
	}
	return at, nil
}
