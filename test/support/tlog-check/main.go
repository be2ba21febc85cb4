// Checks a C2SP tlog-tiles log, in a directory or behind a URL, with golang.org/x/mod/sumdb only:
//   tlog-check DIR|URL VKEY [OLD_SIZE...]
// the Ed25519 signature of the checkpoint, the tree hash from the tiles, every record hash from the entry bundles, an
// inclusion proof of each of some records and a consistency proof from each old size. Prints one line; exit 1 when not.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func get(base, path string) ([]byte, error) {
	if !strings.HasPrefix(base, "http") {
		return os.ReadFile(base + "/" + path)
	}
	answer, err := http.Get(base + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return nil, fmt.Errorf("%s: HTTP %d", path, answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}

type tiles struct{ base string }

func (t tiles) Height() int { return 8 }
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range want {
		// The same path without the height.
		data, err := get(t.base, "tile/"+strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	base := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "vkey")
	text, err := get(base, "checkpoint")
	must(err, "checkpoint")
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "signature")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		must(fmt.Errorf("%q", opened.Text), "body")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	var root tlog.Hash
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	must(err, "root")
	copy(root[:], raw)
	if size == 0 {
		if root != sha256.Sum256(nil) {
			must(fmt.Errorf("%v", root), "empty root")
		}
		fmt.Printf("ok %s 0 records\n", verifier.Name())
		return
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{base})
	computed, err := tlog.TreeHash(size, reader)
	must(err, "tree hash")
	if computed != root {
		must(fmt.Errorf("%v is not %v", computed, root), "tree hash")
	}
	for start := int64(0); start < size; start += 256 {
		width := size - start
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: 0, N: start / 256, W: int(width)}
		path := "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/")
		bundle, err := get(base, path)
		must(err, path)
		var indexes []int64
		var hashes []tlog.Hash
		for n := start; n < start+width; n++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				must(fmt.Errorf("entry %d is cut off", n), path)
			}
			length := 2 + int(binary.BigEndian.Uint16(bundle))
			hashes = append(hashes, tlog.RecordHash(bundle[2:length]))
			indexes = append(indexes, tlog.StoredHashIndex(0, n))
			bundle = bundle[length:]
		}
		if len(bundle) != 0 {
			must(fmt.Errorf("%d bytes behind the last entry", len(bundle)), path)
		}
		stored, err := reader.ReadHashes(indexes)
		must(err, "tiles")
		for at := range stored {
			if stored[at] != hashes[at] {
				must(fmt.Errorf("record %d", start+int64(at)), "record hash")
			}
		}
		for _, n := range []int64{start, start + width - 1} {
			proof, err := tlog.ProveRecord(size, n, reader)
			must(err, "inclusion proof")
			must(tlog.CheckRecord(proof, size, root, n, hashes[n-start]), "inclusion")
		}
	}
	for _, text := range os.Args[3:] {
		old, err := strconv.ParseInt(text, 10, 64)
		must(err, "old size")
		before, err := tlog.TreeHash(old, reader)
		must(err, "old root")
		proof, err := tlog.ProveTree(size, old, reader)
		must(err, "consistency proof")
		must(tlog.CheckTree(proof, size, root, old, before), "consistency")
	}
	fmt.Printf("ok %s %d records\n", verifier.Name(), size)
}
