// What is sent to an NFC lease, which the simulator of govmomi 0.56.0 counts and throws away: a
// stream-optimized disk, unpacked as Virtual Disk Format 5.0 says ("Stream-Optimized Compressed
// Sparse Extents").
package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
)

const sector = 512

// leases tells which files the disks of a lease are.
var leases sync.Map

// leased notes the disks of a lease that is ready.
func leased(ctx *simulator.Context, lease *mo.HttpNfcLease) {
	if lease.Info == nil {
		return
	}
	vm, ok := ctx.Map.Get(lease.Info.Entity).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	for _, name := range diskFiles(vm) {
		file := fileOf(ctx, name)
		leases.Store(path.Join(lease.Self.Value, path.Base(file)), file)
	}
	for i := range lease.Info.DeviceUrl {
		device := &lease.Info.DeviceUrl[i]
		if device.Disk != nil && *device.Disk {
			device.Key = placed(vm, device.TargetId)
		}
	}
}

// serveDisk takes a disk: HttpNfcLease, "POST the disk to the URL of its device".
func serveDisk(w http.ResponseWriter, r *http.Request) {
	file, ok := leases.Load(strings.TrimPrefix(r.URL.Path, "/nfc/"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	name, _ := file.(string)
	if err := unpack(r.Body, simulator.VirtualDiskBackingFileName(name)); err != nil {
		log.Printf("nfc %s: %v", name, err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

type sparseHeader struct {
	Magic, Version, Flags            uint32
	Capacity, GrainSize              uint64
	DescriptorOffset, DescriptorSize uint64
	NumGTEsPerGT                     uint32
	RgdOffset, GdOffset, OverHead    uint64
}

func unpack(source io.Reader, target string) error {
	first := make([]byte, sector)
	if _, err := io.ReadFull(source, first); err != nil {
		return err
	}
	var header sparseHeader
	if err := binary.Read(bytes.NewReader(first), binary.LittleEndian, &header); err != nil {
		return err
	}
	if header.Magic != 0x564d444b || header.OverHead == 0 {
		return errors.New("it is no sparse extent")
	}
	if _, err := io.CopyN(io.Discard, source, int64(header.OverHead-1)*sector); err != nil {
		return err
	}
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unpackGrains(source, file); err != nil {
		return err
	}
	return file.Truncate(int64(header.Capacity) * sector)
}

func unpackGrains(source io.Reader, target io.WriterAt) error {
	marker := make([]byte, sector)
	for {
		if _, err := io.ReadFull(source, marker); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		value := binary.LittleEndian.Uint64(marker)
		size := int(binary.LittleEndian.Uint32(marker[8:]))
		if size == 0 {
			if binary.LittleEndian.Uint32(marker[12:]) == 0 {
				return nil
			}
			if _, err := io.CopyN(io.Discard, source, int64(value)*sector); err != nil {
				return err
			}
			continue
		}
		whole := make([]byte, (12+size+sector-1)/sector*sector)
		copy(whole, marker)
		if len(whole) > sector {
			if _, err := io.ReadFull(source, whole[sector:]); err != nil {
				return err
			}
		}
		grain, err := zlib.NewReader(bytes.NewReader(whole[12 : 12+size]))
		if err != nil {
			return err
		}
		content, err := io.ReadAll(grain)
		if err != nil {
			return err
		}
		if _, err := target.WriteAt(content, int64(value)*sector); err != nil {
			return err
		}
	}
}
