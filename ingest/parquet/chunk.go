package parquet

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// leaf is a column of a Parquet file: one that has values, at the end of a path.
type leaf struct {
	index          int // among the file's columns
	name           string
	type_          physical
	as             leafType
	maxDef, maxRep int
	repeatedDef    int // definition level of the element, where maxRep is 1
	wanted         bool
}

// reader makes the reader of a leaf that is looked for.
func (l *leaf) reader(u *unpacker) chunkReader {
	l.wanted = true
	return chunkReader{leaf: l, unpacker: u}
}

// maxLevelsPerPage bounds what is kept of a page of a repeated column.
const maxLevelsPerPage = 4 << 20

// chunkReader reads a column's values of one row group, page by page.
type chunkReader struct {
	*leaf
	unpacker *unpacker
	pages    *bufio.Reader
	left     int64 // bytes of the chunk that are not read
	codec    int64
	buffers  pageBuffers
	values   valueDecoder
	def, rep *hybrid
	inPage   int // levels of the page that are not read
	scratch  []uint32
	first    uint32 // repetition level that was read beyond the last row
	begun    bool   // first is set
}

// open sets the reader on a chunk.
func (c *chunkReader) open(r io.ReaderAt, start, size, codec int64) {
	section := io.NewSectionReader(r, start, size)
	if c.pages == nil {
		c.pages = bufio.NewReaderSize(section, 64<<10)
	} else {
		c.pages.Reset(section)
	}
	c.left, c.codec, c.inPage, c.begun = size, codec, 0, false
	c.values.physical = c.type_
	c.values.dictionary, c.values.texts = nil, nil
}

// nextPage goes on to the next page with values.
func (c *chunkReader) nextPage() error {
	for {
		if c.left <= 0 {
			return io.ErrUnexpectedEOF
		}
		h, taken, err := readPageHeader(c.pages, c.left)
		if err != nil {
			return err
		}
		c.left -= taken
		c.left -= h.size
		if h.kind != pageData && h.kind != pageDataV2 && h.kind != pageDictionary {
			if _, err := c.pages.Discard(int(h.size)); err != nil {
				return err
			}
			continue
		}
		p, err := c.unpacker.readPage(c.pages, h, c.codec, &c.buffers, c.cutLevels)
		if err != nil {
			return err
		}
		if h.kind == pageDictionary {
			if err := c.readDictionary(p); err != nil {
				return err
			}
			continue
		}
		if h.values == 0 {
			continue
		}
		return c.beginPage(p)
	}
}

// cutLevels parts a page of the first version, where the levels stand before the values with their length.
func (c *chunkReader) cutLevels(p *page, unpacked []byte) error {
	if p.kind == pageDictionary {
		p.data = unpacked
		return nil
	}
	cut := func(encoding int64, most int) ([]byte, error) {
		switch {
		case most == 0:
			return nil, nil
		case encoding == encodingRLE && len(unpacked) >= 4:
			size := binary.LittleEndian.Uint32(unpacked)
			if uint64(size) > uint64(len(unpacked)-4) {
				return nil, errPage
			}
			levels := unpacked[4 : 4+size]
			unpacked = unpacked[4+size:]
			return levels, nil
		case encoding == encodingBitPacked:
			return nil, fmt.Errorf("levels that are only bit-packed are not read: write the file with a newer program")
		}
		return nil, errPage
	}
	var err error
	if p.rep, err = cut(p.repEncoding, c.maxRep); err != nil {
		return err
	}
	if p.def, err = cut(p.defEncoding, c.maxDef); err != nil {
		return err
	}
	p.data = unpacked
	return nil
}

func (c *chunkReader) readDictionary(p *page) error {
	if c.values.dictionary != nil || (p.encoding != encodingPlain && p.encoding != encodingPlainDictionary) {
		return errPage
	}
	if p.values > int64(len(p.data))*8 { // a value has a bit at least
		return errPage
	}
	if err := c.values.begin(encodingPlain, p.data); err != nil {
		return err
	}
	c.values.dictionary = &dense{}
	if err := c.values.read(int(p.values), c.values.dictionary); err != nil {
		return err
	}
	if c.type_.text {
		c.values.texts = columnar.NewDictionary(c.values.dictionary.text)
	}
	return nil
}

func (c *chunkReader) beginPage(p *page) (err error) {
	c.inPage = int(p.values)
	c.def, c.rep = nil, nil
	if c.maxDef > 0 {
		if c.def, err = newHybrid(p.def, uint(bits.Len(uint(c.maxDef)))); err != nil {
			return err
		}
	}
	if c.maxRep > 0 {
		if c.inPage > maxLevelsPerPage {
			return fmt.Errorf("a page has %d values, at most %d are allowed", c.inPage, maxLevelsPerPage)
		}
		if c.rep, err = newHybrid(p.rep, uint(bits.Len(uint(c.maxRep)))); err != nil {
			return err
		}
	}
	return c.values.begin(p.encoding, p.data)
}

func (c *chunkReader) levels(from *hybrid, n int) ([]uint32, error) {
	if cap(c.scratch) < n {
		c.scratch = make([]uint32, n)
	}
	levels := c.scratch[:n]
	return levels, from.read(levels)
}

// readRows appends the next rows of a column that is not repeated: its values, and which of the rows are null. absent
// is left empty where none is.
func (c *chunkReader) readRows(rows int, to *dense, absent []bool) ([]bool, error) {
	done := 0
	for done < rows {
		if c.inPage == 0 {
			if err := c.nextPage(); err != nil {
				return nil, err
			}
		}
		n := min(rows-done, c.inPage)
		present := n
		if c.def != nil {
			levels, err := c.levels(c.def, n)
			if err != nil {
				return nil, err
			}
			for i, level := range levels {
				if int(level) == c.maxDef {
					if len(absent) > 0 {
						absent = append(absent, false)
					}
					continue
				}
				if len(absent) == 0 { // the first null of the rows
					absent = append(absent, make([]bool, done+i)...)
				}
				absent = append(absent, true)
				present--
			}
		}
		if err := c.values.read(present, to); err != nil {
			return nil, err
		}
		c.inPage -= n
		done += n
	}
	return absent, nil
}

// elements are the values of a repeated column: those of row i lie from offsets[i] to offsets[i+1].
type elements struct {
	dense
	absent  []bool // by element
	offsets []int
}

// readElements reads the next rows of a repeated column.
func (c *chunkReader) readElements(rows int, to *elements) error {
	to.dense = dense{text: to.text.Emptied(), number: to.number[:0], codes: to.codes[:0]}
	to.absent, to.offsets = to.absent[:0], append(to.offsets[:0], 0)
	begun := 0
	for {
		if c.inPage == 0 {
			if c.left <= 0 && begun == rows {
				break
			}
			if err := c.nextPage(); err != nil {
				return err
			}
		}
		rep := c.first
		if !c.begun {
			level, err := c.levels(c.rep, 1)
			if err != nil {
				return err
			}
			rep = level[0]
		}
		c.begun = false
		if rep == 0 {
			if begun == rows {
				c.first, c.begun = rep, true
				break
			}
			begun++
			if begun > 1 {
				to.offsets = append(to.offsets, len(to.absent))
			}
		}
		level, err := c.levels(c.def, 1)
		if err != nil || begun == 0 {
			return errPage
		}
		c.inPage--
		if int(level[0]) < c.repeatedDef {
			continue // a null or an empty list
		}
		absent := int(level[0]) != c.maxDef
		to.absent = append(to.absent, absent)
		if len(to.absent) > maxLevelsPerPage {
			return fmt.Errorf("rows have more than %d elements in their lists", maxLevelsPerPage)
		}
		if !absent {
			if err := c.values.read(1, &to.dense); err != nil {
				return err
			}
		}
	}
	to.offsets = append(to.offsets, len(to.absent))
	return nil
}
