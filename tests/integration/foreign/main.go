// Ledgercheck verifies a published ledger with the Go team's and Trillian's code, and none of ours.
//
// Usage: ledgercheck SITE VKEY MODE FILE...
//
// MODE "receipts": each FILE is a receipt; MODE "site": each FILE is an older signed checkpoint, checked against the newest one from
// the tiles alone, with every entry of every bundle. One line a file: its name and "ok" or what is wrong. Exit status 1 if any is.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type head struct {
	size int64
	root tlog.Hash
}

func openCheckpoint(text []byte, vkey string) (head, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return head{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return head{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return head{size, root}, err
}

func checkReceipt(text []byte, vkey string) error {
	top, signed, found := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(top), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	var content struct{ Leaf []byte }
	if err := json.Unmarshal(extra, &content); err != nil {
		return err
	}
	var path tlog.RecordProof
	var hashes [][]byte
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path, hashes = append(path, hash), append(hashes, append([]byte(nil), hash[:]...))
	}
	checkpoint, err := openCheckpoint(signed, vkey)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, checkpoint.size, checkpoint.root, index, tlog.RecordHash(content.Leaf)); err != nil {
		return err
	}
	hasher := rfc6962.DefaultHasher
	leaf := hasher.HashLeaf(content.Leaf)
	return proof.VerifyInclusion(hasher, uint64(index), uint64(checkpoint.size), leaf, hashes, checkpoint.root[:])
}

type site struct{ root string }

func (s site) Height() int { return tileHeight }

func (s site) SaveTiles([]tlog.Tile, [][]byte) {}

func (s site) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// The checksum database names the height in its paths ("tile/8/0/000"), tlog-tiles does not.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		content, err := os.ReadFile(filepath.Join(s.root, path))
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

func (s site) checkEntries(now head, reader tlog.HashReader) error {
	for first := int64(0); first < now.size; first += 1 << tileHeight {
		tile := tlog.Tile{H: tileHeight, L: 0, N: first >> tileHeight, W: int(min(now.size-first, 1<<tileHeight))}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		content, err := os.ReadFile(filepath.Join(s.root, path))
		if err != nil {
			return err
		}
		for at := first; at < first+int64(tile.W); at++ {
			if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
				return fmt.Errorf("bundle %s is cut short", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(content))
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
			if err != nil {
				return err
			}
			if hashes[0] != tlog.RecordHash(content[2:end]) {
				return fmt.Errorf("entry %d does not hash to its leaf", at)
			}
			content = content[end:]
		}
		if len(content) != 0 {
			return fmt.Errorf("bundle %s is too long", path)
		}
	}
	return nil
}

func (s site) check(older []byte, vkey string) error {
	text, err := os.ReadFile(filepath.Join(s.root, "checkpoint"))
	if err != nil {
		return err
	}
	now, err := openCheckpoint(text, vkey)
	if err != nil {
		return err
	}
	before, err := openCheckpoint(older, vkey)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: now.size, Hash: now.root}, s)
	if root, err := tlog.TreeHash(now.size, reader); err != nil || root != now.root {
		return fmt.Errorf("tiles do not hash to the root: %v", err)
	}
	if before.size > 0 {
		path, err := tlog.ProveTree(now.size, before.size, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(path, now.size, now.root, before.size, before.root); err != nil {
			return err
		}
	}
	return s.checkEntries(now, reader)
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func main() {
	root, vkey, mode, files := os.Args[1], os.Args[2], os.Args[3], os.Args[4:]
	status := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err == nil && mode == "receipts" {
			err = checkReceipt(text, vkey)
		} else if err == nil {
			err = site{root}.check(text, vkey)
		}
		verdict := "ok"
		if err != nil {
			verdict, status = err.Error(), 1
		}
		fmt.Printf("%s\t%q\n", filepath.Base(name), verdict)
	}
	os.Exit(status)
}
