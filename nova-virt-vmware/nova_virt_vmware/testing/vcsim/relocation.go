// Migrations, from the vSphere Web Services API reference: the simulator of govmomi 0.56.0 changes
// three properties of the VM, and says of every VM that it can go anywhere.
package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const moveStep = 50 * time.Millisecond

// moveSteps is how long a running VM is on its way, in steps that tell of progress: a file says it.
func moveSteps() int {
	steps := 40
	if content, err := os.ReadFile(filepath.Join(os.TempDir(), "pace")); err == nil {
		_, _ = fmt.Sscan(string(content), &steps)
	}
	return steps
}

func unreachable(ctx *simulator.Context, ref *types.ManagedObjectReference) bool {
	if ref == nil {
		return false
	}
	host, ok := ctx.Map.Get(*ref).(*simulator.HostSystem)
	return !ok || host.Runtime.ConnectionState != types.HostSystemConnectionStateConnected
}

// checker is a VirtualMachineProvisioningChecker that looks at the hosts.
type checker struct {
	*simulator.VmProvisioningChecker
}

// CheckRelocateTask: VirtualMachineProvisioningChecker, CheckRelocate_Task.
func (c *checker) CheckRelocateTask(
	ctx *simulator.Context, request *types.CheckRelocate_Task,
) soap.HasFault {
	begun(ctx, c)
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		result := types.CheckResult{Vm: &request.Vm, Host: request.Spec.Host}
		if unreachable(ctx, request.Spec.Host) {
			result.Error = []types.LocalizedMethodFault{{Fault: &types.HostNotConnected{}}}
		}
		return types.ArrayOfCheckResult{CheckResult: []types.CheckResult{result}}, nil
	}
	task := simulator.CreateTask(c.VmProvisioningChecker, "checkRelocate", run)
	return &methods.CheckRelocate_TaskBody{
		Res: &types.CheckRelocate_TaskResponse{Returnval: task.Run(ctx)},
	}
}

// RelocateVMTask: VirtualMachine, RelocateVM_Task, to another pool, host and datastore. It can be
// cancelled, and fails when either host is lost.
func (m *machine) RelocateVMTask(
	ctx *simulator.Context, request *types.RelocateVM_Task,
) soap.HasFault {
	begun(ctx, m)
	own := &simulator.Context{Context: ctx.Context, Session: ctx.Session, Map: ctx.Map}
	vm, spec := m.VirtualMachine, request.Spec
	run := func(t *simulator.Task) (types.AnyType, types.BaseMethodFault) {
		steps := moveSteps()
		for step := 0; step < steps; step++ {
			if t.Info.Cancelled {
				return nil, &types.RequestCanceled{}
			}
			if unreachable(own, vm.Runtime.Host) || unreachable(own, spec.Host) {
				return nil, &types.HostNotConnected{}
			}
			if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
				break
			}
			own.Map.AtomicUpdate(own, t, []types.PropertyChange{
				{Name: "info.progress", Val: int32(step * 100 / steps)},
			})
			time.Sleep(moveStep)
		}
		return nil, moved(own, vm, spec)
	}
	task := simulator.CreateTask(unlocked{vm.Self}, "relocate", run)
	task.Info.DescriptionId = "VirtualMachine.relocate"
	ref := task.Run(own)
	ctx.Update(vm, []types.PropertyChange{
		{Name: "recentTask", Val: []types.ManagedObjectReference{ref}},
	})
	return &methods.RelocateVM_TaskBody{Res: &types.RelocateVM_TaskResponse{Returnval: ref}}
}

func moved(
	ctx *simulator.Context, vm *simulator.VirtualMachine, spec types.VirtualMachineRelocateSpec,
) types.BaseMethodFault {
	if spec.Datastore != nil {
		if fault := movedFiles(ctx, vm, spec); fault != nil {
			return fault
		}
	}
	// What the simulator does itself: NICs, and the event.
	devices := types.RelocateVM_Task{
		This: vm.Self,
		Spec: types.VirtualMachineRelocateSpec{DeviceChange: spec.DeviceChange},
	}
	body := vm.RelocateVMTask(ctx, &devices).(*methods.RelocateVM_TaskBody)
	task := ctx.Map.Get(body.Res.Returnval).(*simulator.Task)
	task.Wait()
	var changes []types.PropertyChange
	if spec.Pool != nil {
		from := ctx.Map.Get(*vm.ResourcePool).(*simulator.ResourcePool)
		to := ctx.Map.Get(*spec.Pool).(*simulator.ResourcePool)
		ctx.WithLock(from, func() { ctx.Map.RemoveReference(ctx, from, &from.Vm, vm.Self) })
		ctx.WithLock(to, func() { ctx.Map.AppendReference(ctx, to, &to.Vm, vm.Self) })
		changes = append(changes, types.PropertyChange{Name: "resourcePool", Val: spec.Pool})
	}
	if spec.Host != nil {
		from := ctx.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem)
		to := ctx.Map.Get(*spec.Host).(*simulator.HostSystem)
		ctx.WithLock(from, func() { ctx.Map.RemoveReference(ctx, from, &from.Vm, vm.Self) })
		ctx.WithLock(to, func() { ctx.Map.AppendReference(ctx, to, &to.Vm, vm.Self) })
		changes = append(changes,
			types.PropertyChange{Name: "runtime.host", Val: spec.Host},
			types.PropertyChange{Name: "summary.runtime.host", Val: spec.Host},
		)
	}
	ctx.WithLock(vm, func() { ctx.Update(vm, changes) })
	return nil
}

// movedFiles moves the VM's own folder, and those of its disks that are to go, to a folder of the
// VM's name on the other datastore.
func movedFiles(
	ctx *simulator.Context, vm *simulator.VirtualMachine, spec types.VirtualMachineRelocateSpec,
) types.BaseMethodFault {
	target := ctx.Map.Get(*spec.Datastore).(*simulator.Datastore)
	located := map[int32]types.ManagedObjectReference{}
	for _, disk := range spec.Disk {
		located[disk.DiskId] = disk.Datastore
	}
	home := path.Dir(vm.Config.Files.VmPathName)
	folder := fmt.Sprintf("[%s] %s", target.Name, vm.Name)
	if home == folder {
		return nil
	}
	if err := movedFolder(local(ctx, home), local(ctx, folder)); err != nil {
		return &types.CannotAccessFile{FileFault: types.FileFault{File: folder}}
	}
	devices := vm.Config.Hardware.Device
	disks := 0
	for _, device := range devices {
		file, ok := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo)
		if !ok {
			continue
		}
		backing := file.GetVirtualDeviceFileBackingInfo()
		switch d := device.(type) {
		case *types.VirtualDisk:
			// One that is to be where it is stays.
			if at, ok := located[d.Key]; ok && backing.Datastore != nil && at == *backing.Datastore {
				continue
			}
			name := fmt.Sprintf("%s/%s.vmdk", folder, vm.Name)
			if disks > 0 {
				name = fmt.Sprintf("%s/%s_%d.vmdk", folder, vm.Name, disks)
			}
			disks++
			movedDisk(ctx, backing, name, d.CapacityInBytes, target)
		case *types.VirtualSerialPort:
			// A file beside the configuration is named without its folder there.
			if path.Dir(backing.FileName) == home {
				backing.FileName = folder + "/" + path.Base(backing.FileName)
			}
		}
	}
	files := vm.Config.Files
	files.VmPathName = folder + "/" + path.Base(files.VmPathName)
	files.SnapshotDirectory, files.SuspendDirectory, files.LogDirectory = folder, folder, folder
	for _, ref := range vm.Datastore {
		from := ctx.Map.Get(ref).(*simulator.Datastore)
		ctx.WithLock(from, func() { ctx.Map.RemoveReference(ctx, from, &from.Vm, vm.Self) })
	}
	ctx.WithLock(target, func() { ctx.Map.AppendReference(ctx, target, &target.Vm, vm.Self) })
	ctx.WithLock(vm, func() {
		ctx.Update(vm, []types.PropertyChange{
			{Name: "config.hardware.device", Val: devices},
			{Name: "config.files", Val: files},
			{Name: "summary.config.vmPathName", Val: files.VmPathName},
			{Name: "datastore", Val: []types.ManagedObjectReference{target.Self}},
		})
	})
	return nil
}

func movedFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		// An image that is in a drive is not the VM's.
		if strings.HasSuffix(entry.Name(), ".iso") {
			continue
		}
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	_ = os.Remove(from)
	return nil
}

func movedDisk(
	ctx *simulator.Context, backing *types.VirtualDeviceFileBackingInfo, name string, size int64,
	target *simulator.Datastore,
) {
	for _, each := range []func(string) string{
		func(name string) string { return name }, simulator.VirtualDiskBackingFileName,
	} {
		_ = os.Rename(local(ctx, each(backing.FileName)), local(ctx, each(name)))
	}
	if backing.Datastore != nil {
		from := ctx.Map.Get(*backing.Datastore).(*simulator.Datastore)
		ctx.WithLock(from, func() { from.Summary.FreeSpace += size })
		ctx.WithLock(target, func() { target.Summary.FreeSpace -= size })
	}
	backing.FileName, backing.Datastore = name, &target.Self
}

// local is the file of this machine that stands for a datastore's.
func local(ctx *simulator.Context, name string) string {
	var p object.DatastorePath
	p.FromString(name)
	for _, entity := range ctx.Map.All("Datastore") {
		if ds, ok := entity.(*simulator.Datastore); ok && ds.Name == p.Datastore {
			return filepath.Join(ds.Info.GetDatastoreInfo().Url, p.Path)
		}
	}
	return ""
}
