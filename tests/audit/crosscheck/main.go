// Checks a log that Credence wrote with the Go project's own implementation of signed notes and tiled logs, which knows nothing of ours.
//
//	crosscheck FOLDER VKEY EARLIER
//
// FOLDER holds `checkpoint` and `tile/...`. Every entry is proved against the signed root from the tiles alone, and the tree of EARLIER
// entries is proved to be its beginning. Prints what held; anything else ends with exit code 1.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// folder serves tiles from files; nothing is remembered, so every tile is read and authenticated again.
type folder string

func (f folder) Height() int                             { return height }
func (f folder) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := f.tile(tile)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// tile reads a partial tile from a larger one where only that was kept.
func (f folder) tile(tile tlog.Tile) ([]byte, error) {
	width := tile.W
	for ; tile.W <= 1<<height; tile.W++ {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err == nil {
			return data[:width*tlog.HashSize], nil
		}
	}
	return nil, fmt.Errorf("no tile of level %d, number %d, width %d", tile.L, tile.N, width)
}

// entries reads the bundle beside a level-0 tile: for each entry two bytes of length and the bytes.
func (f folder) entries(number, width int64) [][]byte {
	path := tlog.Tile{H: height, L: -1, N: number, W: int(width)}.Path()
	path = strings.Replace(path, "tile/8/data/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(string(f), path))
	must(err)
	var found [][]byte
	for len(data) > 0 {
		size := int(binary.BigEndian.Uint16(data))
		found, data = append(found, data[2:2+size]), data[2+size:]
	}
	return found
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	files := folder(os.Args[1])
	verifier, err := note.NewVerifier(os.Args[2])
	must(err)
	earlier, err := strconv.ParseInt(os.Args[3], 10, 64)
	must(err)

	signed, err := os.ReadFile(filepath.Join(os.Args[1], "checkpoint"))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, files)

	for index := int64(0); index < size; index++ {
		number := index / (1 << height)
		width := size - number<<height
		if width > 1<<height {
			width = 1 << height
		}
		leaf := tlog.RecordHash(files.entries(number, width)[index%(1<<height)])
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		must(err)
		if !bytes.Equal(stored[0][:], leaf[:]) {
			log.Fatalf("entry %d does not hash to its leaf", index)
		}
		proof, err := tlog.ProveRecord(size, index, reader)
		must(err)
		must(tlog.CheckRecord(proof, size, root, index, leaf))
	}
	if 0 < earlier && earlier < size {
		proof, err := tlog.ProveTree(size, earlier, reader)
		must(err)
		before, err := tlog.TreeHash(earlier, reader)
		must(err)
		must(tlog.CheckTree(proof, size, root, earlier, before))
		fmt.Printf("grew from %s\n", before)
	}
	fmt.Printf("%s at %d: every entry proved\n", lines[0], size)
}
