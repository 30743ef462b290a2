// SPDX-License-Identifier: Apache-2.0

// Package durable makes files appear whole: with all of their content, surviving a power cut, or
// not at all.
//
// Parties: every program that keeps something in a file. It promises that the bytes of a file are
// flushed before it gets its name, that the folder is flushed after a name in it has changed, and
// that nobody is told of a success before both; that a failure leaves what was there, and nothing
// beside it. It refuses to replace a file where the caller asked for a new one.
//
// WriteFile and WriteNew are for one file, Batch for several that belong together, File for one that
// is written piece by piece or in steps. Lock keeps other processes out.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// WriteFile makes a file appear at path with all of content, or leaves what was there. What is no
// regular file, such as a pipe, is just written to.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, content, mode)
	}
	return one(path, content, mode, (*File).Replace)
}

// WriteNew is WriteFile for a file that must not be there yet: fs.ErrExist if it is.
func WriteNew(path string, content []byte, mode fs.FileMode) error {
	return one(path, content, mode, (*File).Add)
}

func one(path string, content []byte, mode fs.FileMode, place func(*File, string) error) error {
	dir, name := filepath.Split(path)
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return named(path, err)
	}
	defer root.Close()
	if err := write(root, name, content, mode, place); err != nil {
		return named(path, err)
	}
	return nil
}

// WriteFileIn is WriteFile for a file in a folder that is open: name is relative to root. The folder
// that holds it must be there.
func WriteFileIn(root *os.Root, name string, content []byte, mode fs.FileMode) error {
	if err := write(root, name, content, mode, (*File).Replace); err != nil {
		return named(name, err)
	}
	return nil
}

func write(root *os.Root, name string, content []byte, mode fs.FileMode, place func(*File, string) error) error {
	f, err := CreateIn(root, path.Dir(filepath.ToSlash(name)), mode)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := place(f, path.Base(filepath.ToSlash(name))); err != nil {
		return err
	}
	return f.SyncFolder()
}

// Rename gives a file or folder its name in one step. What it holds must be durable already. from and
// to lie on one file system.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// SyncFolder waits until the names in a folder are durable. On a system that has no such thing it
// does nothing.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush folder: %w", err)
	}
	return syncAndClose(f)
}

// SyncFolderIn is SyncFolder for a folder below root; "." is root itself.
func SyncFolderIn(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("flush folder: %w", err)
	}
	return syncAndClose(f)
}

func syncAndClose(f *os.File) error {
	if err := errors.Join(syncFolder(f), f.Close()); err != nil {
		return fmt.Errorf("flush folder %s: %w", f.Name(), err)
	}
	return nil
}

// named tells the cause with the name that the caller knows: that of the file beside it tells nobody
// anything.
func named(path string, err error) error {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	} else if cause, ok := errors.AsType[*os.LinkError](err); ok {
		err = cause.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}
