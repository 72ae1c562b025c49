// Linked clones that are deleted. With its disks a VM that is destroyed disposes of their storage
// (vSphere Web Services API, VirtualMachine); whether that is a disk's whole chain is not said. This
// is the reading that costs the most: the chain goes, too.
package main

import (
	"os"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// destroyed takes what the disks of a VM are clones of.
func destroyed(ctx *simulator.Context, target mo.Reference) {
	vm, ok := target.(*simulator.VirtualMachine)
	if !ok || vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
		return
	}
	for _, device := range vm.Config.Hardware.Device {
		chainGone(ctx, device)
	}
}

// unplugged takes what a disk is a clone of that is removed with its file.
func unplugged(ctx *simulator.Context, change *types.VirtualDeviceConfigSpec) {
	if change.Operation == types.VirtualDeviceConfigSpecOperationRemove &&
		change.FileOperation == types.VirtualDeviceConfigSpecFileOperationDestroy {
		chainGone(ctx, change.Device)
	}
}

func chainGone(ctx *simulator.Context, device types.BaseVirtualDevice) {
	disk, ok := device.(*types.VirtualDisk)
	if !ok {
		return
	}
	backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return
	}
	for parent := backing.Parent; parent != nil; parent = parent.Parent {
		file := fileOf(ctx, parent.FileName)
		_ = os.Remove(simulator.VirtualDiskBackingFileName(file))
		_ = os.Remove(file)
	}
}
