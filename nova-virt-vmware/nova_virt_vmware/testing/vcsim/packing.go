// What an NFC lease gives out: a disk as a stream-optimized extent, packed as Virtual Disk Format
// 5.0 says ("Stream-Optimized Compressed Sparse Extents").
package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	grainSectors = 128
	tableEntries = 512
	tableSectors = tableEntries * 4 / sector
	endOfStream  = 0
	grainTable   = 1
	grainFolder  = 2
	footer       = 3
)

// placed tells where a disk is plugged in as a lease's key does (HttpNfcLeaseDeviceUrl, key).
func placed(vm *simulator.VirtualMachine, file string) string {
	controllers := map[int32]string{}
	for _, device := range vm.Config.Hardware.Device {
		if controller, ok := device.(types.BaseVirtualController); ok {
			kind := reflect.TypeOf(device).Elem().Name()
			bus := controller.GetVirtualController().BusNumber
			controllers[device.GetVirtualDevice().Key] = fmt.Sprintf("%s%d", kind, bus)
		}
	}
	for _, device := range vm.Config.Hardware.Device {
		disk, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo)
		if ok && strings.HasSuffix(
			backing.GetVirtualDeviceFileBackingInfo().FileName, "/"+file,
		) && disk.UnitNumber != nil {
			return fmt.Sprintf(
				"/%s/%s:%d", vm.Self.Value, controllers[disk.ControllerKey], *disk.UnitNumber,
			)
		}
	}
	return file
}

// giveDisk: HttpNfcLease, "GET the disk from the URL of its device".
func giveDisk(w http.ResponseWriter, r *http.Request) {
	file, ok := leases.Load(strings.TrimPrefix(r.URL.Path, "/nfc/"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	name, _ := file.(string)
	source, err := os.Open(simulator.VirtualDiskBackingFileName(name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer source.Close()
	info, err := os.Stat(name)
	if err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	p := &packer{to: w, header: newHeader(capacityOf(name))}
	_ = p.pack(source, filepath.Base(name))
}

func capacityOf(name string) uint64 {
	content, _ := os.ReadFile(name)
	var sectors uint64
	for _, line := range strings.Split(string(content), "\n") {
		_, _ = fmt.Sscanf(line, "RW %d ", &sectors)
	}
	return sectors
}

type packedHeader struct {
	sparseHeader
	Unclean     uint8
	NewLines    [4]byte
	Compression uint16
	_           [433]byte
}

func newHeader(capacity uint64) packedHeader {
	return packedHeader{
		sparseHeader: sparseHeader{
			Magic: 0x564d444b, Version: 3, Flags: 0x30001,
			Capacity: capacity, GrainSize: grainSectors,
			DescriptorOffset: 1, DescriptorSize: 20, NumGTEsPerGT: tableEntries,
			GdOffset: ^uint64(0), OverHead: grainSectors,
		},
		NewLines:    [4]byte{'\n', ' ', '\r', '\n'},
		Compression: 1,
	}
}

type packer struct {
	to     io.Writer
	header packedHeader
	at     uint32
}

// put writes whole sectors, filled up with zeros.
func (p *packer) put(content []byte) error {
	sectors := (len(content) + sector - 1) / sector
	_, err := p.to.Write(append(content, make([]byte, sectors*sector-len(content))...))
	p.at += uint32(sectors)
	return err
}

func (p *packer) putMarker(sectors uint64, kind uint32) error {
	marker := binary.LittleEndian.AppendUint64(nil, sectors)
	return p.put(binary.LittleEndian.AppendUint32(append(marker, 0, 0, 0, 0), kind))
}

func (p *packer) putHeader() error {
	var content bytes.Buffer
	if err := binary.Write(&content, binary.LittleEndian, p.header); err != nil {
		return err
	}
	return p.put(content.Bytes())
}

func (p *packer) pack(source io.Reader, name string) error {
	descriptor := fmt.Sprintf("# Disk DescriptorFile\nversion=1\nCID=fffffffe\n"+
		"parentCID=ffffffff\ncreateType=\"streamOptimized\"\n\n"+
		"RW %d SPARSE \"%s\"\n\nddb.adapterType = \"lsilogic\"\n", p.header.Capacity, name)
	if err := p.putHeader(); err != nil {
		return err
	}
	if err := p.put(append([]byte(descriptor), make([]byte,
		(grainSectors-1)*sector-len(descriptor))...)); err != nil {
		return err
	}
	folder, err := p.packTables(source)
	if err != nil {
		return err
	}
	return p.end(folder)
}

func (p *packer) packTables(source io.Reader) ([]byte, error) {
	var folder []byte
	for done := uint64(0); done < p.header.Capacity; done += grainSectors * tableEntries {
		table := make([]byte, 0, tableEntries*4)
		used := false
		for grain := uint64(0); grain < tableEntries; grain++ {
			place, err := p.packGrain(source, done+grain*grainSectors)
			if err != nil {
				return nil, err
			}
			used = used || place != 0
			table = binary.LittleEndian.AppendUint32(table, place)
		}
		if !used {
			folder = binary.LittleEndian.AppendUint32(folder, 0)
			continue
		}
		if err := p.putMarker(tableSectors, grainTable); err != nil {
			return nil, err
		}
		folder = binary.LittleEndian.AppendUint32(folder, p.at)
		if err := p.put(table); err != nil {
			return nil, err
		}
	}
	return folder, nil
}

// packGrain writes one grain and tells its sector; 0 for one of zeros.
func (p *packer) packGrain(source io.Reader, lba uint64) (uint32, error) {
	content := make([]byte, grainSectors*sector)
	if lba >= p.header.Capacity {
		return 0, nil
	}
	if _, err := io.ReadFull(source, content); err != nil && err != io.EOF &&
		err != io.ErrUnexpectedEOF {
		return 0, err
	}
	if bytes.Equal(content, make([]byte, len(content))) {
		return 0, nil
	}
	var packed bytes.Buffer
	writer := zlib.NewWriter(&packed)
	if _, err := writer.Write(content); err != nil {
		return 0, err
	}
	if err := writer.Close(); err != nil {
		return 0, err
	}
	place := p.at
	grain := binary.LittleEndian.AppendUint64(nil, lba)
	grain = binary.LittleEndian.AppendUint32(grain, uint32(packed.Len()))
	return place, p.put(append(grain, packed.Bytes()...))
}

func (p *packer) end(folder []byte) error {
	if err := p.putMarker(uint64((len(folder)+sector-1)/sector), grainFolder); err != nil {
		return err
	}
	p.header.GdOffset = uint64(p.at)
	if err := p.put(folder); err != nil {
		return err
	}
	if err := p.putMarker(1, footer); err != nil {
		return err
	}
	if err := p.putHeader(); err != nil {
		return err
	}
	return p.putMarker(0, endOfStream)
}
