// A guest for VMs, which the simulator does not execute: if the disk that the firmware boots holds
// the test image, it tells on the serial port what it finds in the virtual hardware, and turns off
// when it is asked to. What it tells is that of the contract's testing guest.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

const imageMark = "NVG-GUEST"

var mediumFacts = []*regexp.Regexp{
	regexp.MustCompile(`"(uuid)": ?"([^"]*)"`),
	regexp.MustCompile(`"(hostname)": ?"([^"]*)"`),
}

// guests watches all VMs.
type guests struct {
	sync.Mutex
	states map[types.ManagedObjectReference]types.VirtualMachinePowerState
	seen   map[types.ManagedObjectReference]map[string]string
}

func withGuests(registry *simulator.Registry) {
	registry.AddHandler(&guests{
		states: map[types.ManagedObjectReference]types.VirtualMachinePowerState{},
		seen:   map[types.ManagedObjectReference]map[string]string{},
	})
}

func (g *guests) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "Guests", Value: "guests"}
}

func (g *guests) PutObject(*simulator.Context, mo.Reference) {}

func (g *guests) RemoveObject(_ *simulator.Context, vm types.ManagedObjectReference) {
	g.Lock()
	defer g.Unlock()
	delete(g.states, vm)
	delete(g.seen, vm)
}

// UpdateObject follows a VM's power state and, while it runs, its hardware; and leases.
func (g *guests) UpdateObject(
	ctx *simulator.Context, changed mo.Reference, changes []types.PropertyChange,
) {
	if lease, ok := changed.(*mo.HttpNfcLease); ok {
		leased(ctx, lease)
		return
	}
	vm, ok := changed.(*mo.VirtualMachine)
	if !ok || vm.Config == nil {
		return
	}
	g.Lock()
	defer g.Unlock()
	for _, change := range changes {
		switch change.Name {
		case "runtime.powerState":
			g.power(ctx, vm)
		case "config.hardware.device":
			fillClones(ctx, vm)
			g.plugged(ctx, vm)
		}
	}
}

func (g *guests) power(ctx *simulator.Context, vm *mo.VirtualMachine) {
	before, now := g.states[vm.Self], vm.Runtime.PowerState
	g.states[vm.Self] = now
	switch {
	case now == types.VirtualMachinePowerStatePoweredOff:
		delete(g.seen, vm.Self)
		vm.Guest.ToolsRunningStatus =
			string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning)
	case now == types.VirtualMachinePowerStatePoweredOn &&
		before != types.VirtualMachinePowerStateSuspended:
		g.boot(ctx, vm)
	}
}

func (g *guests) boot(ctx *simulator.Context, vm *mo.VirtualMachine) {
	console := consoleOf(ctx, vm)
	if console == "" {
		return
	}
	// As its mark "answer.msg.serial.file.open" says, the record is replaced.
	_ = os.WriteFile(console, nil, 0o600)
	disk := bootDisk(vm)
	if disk == nil || !holdsImage(contentOf(ctx, disk)) {
		return
	}
	found := devicesOf(vm)
	g.seen[vm.Self] = found
	facts := mediumOf(ctx, vm)
	facts = append(facts, "dmi_uuid="+vm.Config.Uuid)
	for _, key := range sorted(found) {
		facts = append(facts, found[key])
	}
	say(console, append(facts, "ready")...)
	vm.Guest.ToolsRunningStatus = string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
}

func (g *guests) plugged(ctx *simulator.Context, vm *mo.VirtualMachine) {
	before, listens := g.seen[vm.Self]
	if !listens || vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		return
	}
	now := devicesOf(vm)
	console := consoleOf(ctx, vm)
	for _, key := range sorted(before) {
		if _, stays := now[key]; !stays {
			kind, content, _ := strings.Cut(before[key], "=")
			say(console, kind+"_removed="+strings.Fields(content)[0])
		}
	}
	for _, key := range sorted(now) {
		if _, was := before[key]; !was {
			kind, content, _ := strings.Cut(now[key], "=")
			say(console, kind+"_added="+content)
		}
	}
	g.seen[vm.Self] = now
}

// fillClones gives new linked clones the content of what they are cloned from: the simulator makes
// them empty.
func fillClones(ctx *simulator.Context, vm *mo.VirtualMachine) {
	for _, device := range vm.Config.Hardware.Device {
		disk, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		if !ok || backing.Parent == nil {
			continue
		}
		clone := simulator.VirtualDiskBackingFileName(fileOf(ctx, backing.FileName))
		image := simulator.VirtualDiskBackingFileName(fileOf(ctx, backing.Parent.FileName))
		if info, err := os.Stat(clone); err == nil && info.Size() == 0 {
			if content, err := os.ReadFile(image); err == nil {
				_ = os.WriteFile(clone, content, 0o600)
			}
		}
	}
}

// shutDown: the guest was asked to turn itself off, and does.
func shutDown(ctx *simulator.Context, vm *simulator.VirtualMachine) {
	if console := consoleOf(ctx, &vm.VirtualMachine); console != "" {
		say(console, "poweroff")
	}
}

func say(console string, facts ...string) {
	file, err := os.OpenFile(console, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer file.Close()
	for _, fact := range facts {
		_, _ = fmt.Fprintf(file, "NVG %s\r\n", fact)
	}
}

// devicesOf tells disks and NICs, each by the place where it is plugged in.
func devicesOf(vm *mo.VirtualMachine) map[string]string {
	found := map[string]string{}
	for _, device := range vm.Config.Hardware.Device {
		place := placeOf(device)
		switch d := device.(type) {
		case *types.VirtualDisk:
			found["disk"+place] = fmt.Sprintf("disk=%s %d", place, d.CapacityInBytes)
		case types.BaseVirtualEthernetCard:
			mac := strings.ToLower(d.GetVirtualEthernetCard().MacAddress)
			found["mac"+mac] = "mac=" + mac
		}
	}
	return found
}

func placeOf(device types.BaseVirtualDevice) string {
	d := device.GetVirtualDevice()
	unit := int32(-1)
	if d.UnitNumber != nil {
		unit = *d.UnitNumber
	}
	return fmt.Sprintf("%05d:%02d", d.ControllerKey, unit)
}

func sorted(found map[string]string) []string {
	keys := make([]string, 0, len(found))
	for key := range found {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// bootDisk is what the firmware boots: the first in its order (VirtualMachineBootOptions,
// bootOrder), else the one at the lowest place.
func bootDisk(vm *mo.VirtualMachine) *types.VirtualDisk {
	var lowest *types.VirtualDisk
	disks := map[int32]*types.VirtualDisk{}
	for _, device := range vm.Config.Hardware.Device {
		disk, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		disks[disk.Key] = disk
		if lowest == nil || placeOf(disk) < placeOf(lowest) {
			lowest = disk
		}
	}
	if vm.Config.BootOptions != nil {
		for _, entry := range vm.Config.BootOptions.BootOrder {
			if bootable, ok := entry.(*types.VirtualMachineBootOptionsBootableDiskDevice); ok {
				if disk := disks[bootable.DeviceKey]; disk != nil {
					return disk
				}
			}
		}
	}
	return lowest
}

func contentOf(ctx *simulator.Context, disk *types.VirtualDisk) string {
	switch backing := disk.Backing.(type) {
	case *types.VirtualDiskRawDiskMappingVer1BackingInfo:
		_, id, _ := strings.Cut(backing.DeviceName, "naa.")
		return filepath.Join(os.TempDir(), "iscsi", id+".unit")
	case types.BaseVirtualDeviceFileBackingInfo:
		name := backing.GetVirtualDeviceFileBackingInfo().FileName
		return simulator.VirtualDiskBackingFileName(fileOf(ctx, name))
	}
	return ""
}

func holdsImage(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, len(imageMark))
	_, err = io.ReadFull(file, start)
	return err == nil && bytes.Equal(start, []byte(imageMark))
}

func mediumOf(ctx *simulator.Context, vm *mo.VirtualMachine) []string {
	var facts []string
	for _, device := range vm.Config.Hardware.Device {
		cdrom, ok := device.(*types.VirtualCdrom)
		if !ok {
			continue
		}
		backing, ok := cdrom.Backing.(*types.VirtualCdromIsoBackingInfo)
		if !ok {
			continue
		}
		content, _ := os.ReadFile(fileOf(ctx, backing.FileName))
		for _, fact := range mediumFacts {
			if match := fact.FindSubmatch(content); match != nil {
				facts = append(facts, fmt.Sprintf("%s=%s", match[1], match[2]))
			}
		}
	}
	if len(facts) > 0 {
		return append(facts, "config_drive=yes")
	}
	return []string{"config_drive=no"}
}

func consoleOf(ctx *simulator.Context, vm *mo.VirtualMachine) string {
	for _, device := range vm.Config.Hardware.Device {
		port, ok := device.(*types.VirtualSerialPort)
		if !ok {
			continue
		}
		if backing, ok := port.Backing.(*types.VirtualSerialPortFileBackingInfo); ok {
			return fileOf(ctx, backing.FileName)
		}
	}
	return ""
}

// fileOf is where the simulator keeps a file of a datastore.
func fileOf(ctx *simulator.Context, name string) string {
	var path object.DatastorePath
	if !path.FromString(name) {
		return ""
	}
	for _, entity := range ctx.Map.All("Datastore") {
		if store, ok := entity.(*simulator.Datastore); ok && store.Name == path.Datastore {
			return filepath.Join(store.Summary.Url, path.Path)
		}
	}
	return ""
}
