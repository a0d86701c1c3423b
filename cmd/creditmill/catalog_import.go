package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/schemas/pricelist"
)

func newCatalogCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "catalog",
		Short: "Make costs from a public price list",
		Long:  "catalog makes parts of a price book. It edits none: what it prints is for you to review and to put there.",
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
		// A catalog may be made where nothing is configured yet.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
	}
	command.AddCommand(newCatalogImportCommand(a))
	return command
}

type catalogImportFlags struct {
	from, markup, credit, effective, against, out, system string
	models                                                []string
}

func newCatalogImportCommand(a *app) *cobra.Command {
	var flags catalogImportFlags
	command := &cobra.Command{
		Use:   "import FILE --from LIST",
		Short: "Turn a public price list into features and costs",
		Long: "import reads a public price list and prints the features and the costs of its models as the catalog has " +
			"them: credits = price × (1 + markup) ÷ the value of a credit, in US dollars, without rounding. FILE is " +
			"genai-prices' data.json, LiteLLM's model_prices_and_context_window.json or models.dev's api.json; - is " +
			"standard input.\n\n" +
			"--models takes names and * patterns: of a provider and its model, as in openai/gpt-5, or of the model " +
			"alone. Where two providers use the same name, the one that --models names first has it.\n\n" +
			"What the list has and the catalog cannot hold is told on stderr, entry by entry, with the reason, and the " +
			"exit code is 3 then. No catalog is edited.",
		Example: "  creditmill catalog import api.json --from models.dev --models 'openai/*' --markup 20%\n" +
			"  creditmill catalog import data.json --from genai-prices --models 'anthropic/*' --against catalog.yaml",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.runCatalogImport(args[0], flags) },
	}
	set := command.Flags()
	set.StringVar(&flags.from, "from", "", "the list: "+strings.Join(pricelist.Formats(), ", "))
	set.StringSliceVar(&flags.models, "models", nil, "take these models only, such as 'openai/*' (default all)")
	set.StringVar(&flags.markup, "markup", "0%", "what to add to the prices, such as 20%")
	set.StringVar(&flags.credit, "credit", "0.01", "the value of a credit in US dollars")
	set.StringVar(&flags.effective, "effective", "", "when the costs begin to apply (default today)")
	set.StringVar(&flags.against, "against", "", "print only what differs from this catalog")
	set.StringVar(&flags.out, "out", "", "write to this file, which must not be there yet (default stdout)")
	set.StringVar(&flags.system, "system", "", "the credit system's id (default that of --against, else ai-credits)")
	completeWith(command, "from", choices(pricelist.Formats()...))
	return command
}

// catalogImportResult is what import says with --json.
type catalogImportResult struct {
	From string `json:"from"`
	// Entries are those of the list, Selected those that --models takes.
	Entries  int `json:"entries"`
	Selected int `json:"selected"`
	Whole    int `json:"whole"`
	InPart   int `json:"in_part"`
	LeftOut  int `json:"left_out"`
	Free     int `json:"free"`
	// Features are those that are written.
	Features int `json:"features"`
	// Left are prices and entries that were left out, Notes what else there is to know.
	Left  []catalogImportNote `json:"left"`
	Notes []catalogImportNote `json:"notes"`
	// Out is the file, and Catalog what is in it where there is none.
	Out     string `json:"out,omitempty"`
	Catalog string `json:"catalog,omitempty"`
}

type catalogImportNote struct {
	Entry  string `json:"entry"`
	Key    string `json:"key,omitempty"`
	Reason string `json:"reason"`
}

func (a *app) runCatalogImport(file string, flags catalogImportFlags) error {
	terms, against, err := a.catalogImportTerms(&flags)
	if err != nil {
		return err
	}
	text, err := a.readPriceList(file)
	if err != nil {
		return err
	}
	entries, err := pricelist.Read(flags.from, text)
	if err != nil {
		return usagef("read price list %s: %w", file, err)
	}
	selected, unused := pricelist.Select(entries, flags.models)
	if len(unused) > 0 {
		return usagef("read --models: no model of %s matches %s", file, strings.Join(unused, ", "))
	}
	book := pricelist.NewBook(selected, terms, len(flags.models) > 0)
	comment := fmt.Sprintf("From %s by creditmill catalog import: credits = dollars × %s ÷ %s.\n", flags.from,
		terms.Markup.Add(decimal.New(1, 0)), terms.Credit)
	if against != nil {
		book.Against(against, flags.system)
		comment += fmt.Sprintf("Only what differs from %s: a version of costs is complete in itself, so put these into "+
			"a copy\nof the one in force.\n", schemas.Visible(flags.against))
	}
	result := newCatalogImportResult(book, flags)
	result.Entries, result.Selected = len(entries), len(selected)
	catalog := ""
	if len(book.Features) > 0 || len(book.Versions) > 0 {
		catalog = string(book.YAML(flags.system, comment))
	}
	if err := a.writeCatalogImport(result, catalog, flags); err != nil {
		return err
	}
	if n := len(result.Left); n > 0 {
		return &partialError{Reason: fmt.Sprintf("the catalog cannot hold all of the list: %s left out", counted(n, "price"))}
	}
	return nil
}

// catalogImportTerms reads the flags. It fills in the credit system's id.
func (a *app) catalogImportTerms(flags *catalogImportFlags) (
	terms pricelist.Terms, against *schemas.Catalog, err error,
) {
	if !slices.Contains(pricelist.Formats(), flags.from) {
		return terms, nil, usagef("read --from %q: want one of %s", flags.from, strings.Join(pricelist.Formats(), ", "))
	}
	percent, isPercent := strings.CutSuffix(flags.markup, "%")
	if terms.Markup, err = smallNumber(percent); err != nil || !isPercent {
		return terms, nil, usagef("read --markup %q: want a percentage such as 20%%", flags.markup)
	}
	if terms.Markup = terms.Markup.Shift(-2); terms.Markup.LessThan(decimal.New(-1, 0)) {
		return terms, nil, usagef("read --markup %q: want -100%% or more", flags.markup)
	}
	if terms.Credit, err = smallNumber(flags.credit); err != nil || !terms.Credit.IsPositive() {
		return terms, nil, usagef("read --credit %q: want the value of a credit in US dollars, such as 0.01", flags.credit)
	}
	if _, exact := pricelist.Reciprocal(terms.Credit); !exact {
		return terms, nil, usagef("read --credit %q: prices cannot be divided by it without a rest; want a value such as "+
			"0.01, 0.002 or 0.05", flags.credit)
	}
	zone := time.UTC
	if flags.against != "" {
		if against, err = readOther(flags.against); err != nil {
			return terms, nil, err
		}
		zone = against.Timezone
	}
	if flags.system, err = systemOf(against, flags.system); err != nil {
		return terms, nil, err
	}
	terms.Effective, terms.Bare, err = a.dayOrTime("effective", flags.effective, zone)
	return terms, against, err
}

// smallNumber reads a number without an exponent.
func smallNumber(text string) (decimal.Decimal, error) {
	if len(text) > 30 || strings.ContainsAny(text, "eE") {
		return decimal.Zero, errors.New("not a number")
	}
	return decimal.NewFromString(text)
}

// systemOf is the id of the credit system to write: the only one of a catalog unless one is named.
func systemOf(catalog *schemas.Catalog, named string) (string, error) {
	switch {
	case catalog == nil && named == "":
		return "ai-credits", nil
	case catalog == nil:
		return named, nil
	case named == "" && len(catalog.CreditSystems) == 1:
		return catalog.CreditSystems[0].ID, nil
	}
	if _, ok := catalog.CreditSystem(named); ok {
		return named, nil
	}
	var ids []string
	for _, system := range catalog.CreditSystems {
		ids = append(ids, system.ID)
	}
	return "", usagef("name the credit system by --system: the catalog has %d (%s)", len(ids), strings.Join(ids, ", "))
}

// dayOrTime reads a time, or a day, which begins in zone; today where the text is empty.
func (a *app) dayOrTime(flag, text string, zone *time.Location) (at time.Time, bare bool, err error) {
	if text == "" {
		text = a.now().In(zone).Format(time.DateOnly)
	}
	if at, err = time.Parse(time.RFC3339Nano, text); err == nil {
		return at, false, nil
	}
	if at, err = time.ParseInLocation(time.DateOnly, text, zone); err != nil {
		return at, false, usagef(
			"read --%s %q: want a date such as 2026-10-01 or a time such as 2026-10-01T00:00:00Z", flag, text)
	}
	return at, true, nil
}

func (a *app) readPriceList(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(a.stdin)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("read price list: %w", err)
	}
	return text, nil
}

func newCatalogImportResult(book pricelist.Book, flags catalogImportFlags) catalogImportResult {
	result := catalogImportResult{
		From: flags.from, Whole: book.Whole, InPart: book.InPart, LeftOut: book.LeftOut, Free: book.Free,
		Features: len(book.Features), Out: flags.out, Left: []catalogImportNote{}, Notes: []catalogImportNote{},
	}
	for _, note := range book.Notes {
		said := catalogImportNote{Entry: note.Entry, Key: note.Key, Reason: note.Reason}
		if note.Left {
			result.Left = append(result.Left, said)
		} else {
			result.Notes = append(result.Notes, said)
		}
	}
	return result
}

// writeCatalogImport writes the catalog's part to its file or to stdout, and says on stderr what is not in it.
func (a *app) writeCatalogImport(result catalogImportResult, catalog string, flags catalogImportFlags) error {
	if flags.out != "" && catalog != "" {
		if err := writeNew(flags.out, catalog); err != nil {
			return err
		}
	}
	if flags.out == "" {
		result.Catalog = catalog
	}
	if a.flags.json {
		return a.printJSON(result)
	}
	for _, note := range result.Notes {
		a.note("%s", note.line(""))
	}
	for _, note := range result.Left {
		sayf(a.stderr, "%s\n", note.line("left out: "))
	}
	if result.Free > 0 {
		a.note("%s of the list: nothing of it costs anything", counted(result.Free, "model"))
	}
	if catalog == "" && flags.against != "" {
		a.note("nothing differs from %s", flags.against)
	}
	a.note("of %s: %d imported whole, %d in part, %d left out", counted(result.Selected, "model"), result.Whole,
		result.InPart, result.LeftOut)
	if flags.out != "" {
		return nil
	}
	if _, err := io.WriteString(a.stdout, catalog); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func (n catalogImportNote) line(left string) string {
	text := n.Entry + ": "
	if n.Key != "" {
		text += n.Key + ": "
	}
	return text + left + n.Reason
}

// writeNew writes a file that must not be there: a catalog that somebody works on is not overwritten.
func writeNew(name, text string) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("write %s: it is there already; name another file", name)
	}
	if err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.WriteString(file, text)
	return err
}
