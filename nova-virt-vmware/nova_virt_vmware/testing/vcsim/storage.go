// What the simulator of govmomi 0.56.0 lacks of hosts' storage, from the vSphere Web Services API
// reference: each method names its place there. The storage on the network is what the folders
// "exports" (NFS) and "iscsi" in the folder for temporary files hold.
package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// storageAdded returns who serves a request about storage; nil if the simulator serves it.
func storageAdded(ctx *simulator.Context, method *simulator.Method) mo.Reference {
	switch target := ctx.Map.Get(method.This).(type) {
	case *simulator.HostDatastoreSystem:
		switch method.Name {
		case "CreateLocalDatastore", "CreateNasDatastore", "RemoveDatastore":
			return &datastores{target}
		}
	case *simulator.HostStorageSystem:
		switch method.Name {
		case "AddInternetScsiStaticTargets", "RemoveInternetScsiStaticTargets", "RescanHba":
			return &storage{target}
		}
	case *simulator.HostDatastoreBrowser:
		if request, ok := method.Body.(*types.SearchDatastore_Task); ok && asksForDisks(request) {
			return &browser{target}
		}
	}
	return nil
}

// datastores is a HostDatastoreSystem whose NFS datastores are folders below "exports".
type datastores struct{ *simulator.HostDatastoreSystem }

// CreateNasDatastore: HostDatastoreSystem, CreateNasDatastore. The simulator takes the name for a
// path on its own machine. An export that is not there is a HostConfigFault.
func (d *datastores) CreateNasDatastore(
	ctx *simulator.Context, request *types.CreateNasDatastore,
) soap.HasFault {
	begun(ctx, d)
	body := &methods.CreateNasDatastoreBody{}
	spec := request.Spec
	export := filepath.Join(os.TempDir(), "exports", spec.RemoteHost, spec.RemotePath)
	if info, err := os.Stat(export); err != nil || !info.IsDir() {
		body.Fault_ = simulator.Fault("unable to connect to the NFS server", &types.HostConfigFault{})
		return body
	}
	for _, ref := range d.Datastore {
		if store, ok := ctx.Map.Get(ref).(*simulator.Datastore); ok && sameExport(store, spec) {
			body.Fault_ = simulator.Fault("", &types.AlreadyExists{Name: store.Name})
			return body
		}
	}
	mounts := filepath.Join(os.TempDir(), "mounts")
	mount := filepath.Join(mounts, spec.LocalPath)
	_ = os.MkdirAll(mounts, 0o700)
	_ = os.Remove(mount)
	if err := os.Symlink(export, mount); err != nil {
		body.Fault_ = simulator.Fault(err.Error(), &types.HostConfigFault{})
		return body
	}
	spec.LocalPath = mount
	answer := d.HostDatastoreSystem.CreateNasDatastore(ctx, &types.CreateNasDatastore{
		This: request.This, Spec: spec,
	})
	if made, ok := answer.(*methods.CreateNasDatastoreBody); ok && made.Res != nil {
		made.Res.Returnval = d.last()
	}
	return answer
}

// last is the datastore that came last: of one that another host has already, the simulator tells
// no reference.
func (d *datastores) last() types.ManagedObjectReference {
	return d.Datastore[len(d.Datastore)-1]
}

// CreateLocalDatastore: HostDatastoreSystem, CreateLocalDatastore.
func (d *datastores) CreateLocalDatastore(
	ctx *simulator.Context, request *types.CreateLocalDatastore,
) soap.HasFault {
	begun(ctx, d)
	answer := d.HostDatastoreSystem.CreateLocalDatastore(ctx, request)
	if made, ok := answer.(*methods.CreateLocalDatastoreBody); ok && made.Res != nil {
		made.Res.Returnval = d.last()
	}
	return answer
}

func sameExport(store *simulator.Datastore, spec types.HostNasVolumeSpec) bool {
	info, ok := store.Info.(*types.NasDatastoreInfo)
	return ok && info.Nas != nil &&
		info.Nas.RemoteHost == spec.RemoteHost && info.Nas.RemotePath == spec.RemotePath
}

// RemoveDatastore: HostDatastoreSystem, RemoveDatastore: from this host; with the last host it is
// gone. One with files of a VM of this host is a ResourceInUse.
func (d *datastores) RemoveDatastore(
	ctx *simulator.Context, request *types.RemoveDatastore,
) soap.HasFault {
	begun(ctx, d)
	body := &methods.RemoveDatastoreBody{}
	store, ok := ctx.Map.Get(request.Datastore).(*simulator.Datastore)
	if !ok {
		body.Fault_ = simulator.Fault("", &types.NotFound{})
		return body
	}
	if inUse(ctx, store.Name) {
		body.Fault_ = simulator.Fault("", &types.ResourceInUse{Type: "Datastore", Name: store.Name})
		return body
	}
	simulator.RemoveReference(&d.Datastore, store.Self)
	d.Host.Datastore = d.Datastore
	var left []types.DatastoreHostMount
	for _, mount := range store.Host {
		if mount.Key != d.Host.Self {
			left = append(left, mount)
		}
	}
	store.Host = left
	if len(left) == 0 {
		// Its own task removes it from the inventory.
		forgetVMs(ctx, store)
		_ = store.DestroyTask(ctx, &types.Destroy_Task{This: store.Self})
		d.forget(ctx, store.Self)
	}
	body.Res = &types.RemoveDatastoreResponse{}
	return body
}

// forget takes a datastore out of the lists that its own task leaves it in.
func (d *datastores) forget(ctx *simulator.Context, store types.ManagedObjectReference) {
	switch parent := ctx.Map.Get(*d.Host.Parent).(type) {
	case *simulator.ClusterComputeResource:
		ctx.Map.RemoveReference(ctx, parent, &parent.Datastore, store)
	case *mo.ComputeResource:
		ctx.Map.RemoveReference(ctx, parent, &parent.Datastore, store)
	}
}

// forgetVMs: VMs that had disks on a datastore stay in its list, and it and its files in theirs.
func forgetVMs(ctx *simulator.Context, store *simulator.Datastore) {
	store.Vm = nil
	for _, entity := range ctx.Map.All("VirtualMachine") {
		vm, ok := entity.(*simulator.VirtualMachine)
		if !ok {
			continue
		}
		simulator.RemoveReference(&vm.Datastore, store.Self)
		var left []types.VirtualMachineFileLayoutExFileInfo
		for _, file := range vm.LayoutEx.File {
			if !strings.HasPrefix(file.Name, "["+store.Name+"] ") {
				left = append(left, file)
			}
		}
		vm.LayoutEx.File = left
	}
}

func inUse(ctx *simulator.Context, store string) bool {
	for _, entity := range ctx.Map.All("VirtualMachine") {
		vm, ok := entity.(*simulator.VirtualMachine)
		if !ok {
			continue
		}
		for _, file := range diskFiles(vm) {
			var path object.DatastorePath
			if path.FromString(file) && path.Datastore == store {
				return true
			}
		}
	}
	return false
}

func diskFiles(vm *simulator.VirtualMachine) []string {
	var files []string
	for _, device := range vm.Config.Hardware.Device {
		disk, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		if backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
			files = append(files, backing.GetVirtualDeviceFileBackingInfo().FileName)
		}
	}
	return files
}

// browser is a HostDatastoreBrowser that tells the sizes of disks.
type browser struct {
	*simulator.HostDatastoreBrowser
}

func asksForDisks(request *types.SearchDatastore_Task) bool {
	if request.SearchSpec == nil || len(request.SearchSpec.Query) != 1 {
		return false
	}
	query, ok := request.SearchSpec.Query[0].(*types.VmDiskFileQuery)
	return ok && query.Details != nil && query.Details.CapacityKb
}

// SearchDatastoreTask: HostDatastoreBrowser, SearchDatastore_Task with a VmDiskFileQuery.
func (b *browser) SearchDatastoreTask(
	ctx *simulator.Context, request *types.SearchDatastore_Task,
) soap.HasFault {
	begun(ctx, b)
	own := &simulator.Context{Context: ctx.Context, Session: ctx.Session, Map: ctx.Map}
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		result := types.HostDatastoreBrowserSearchResults{FolderPath: request.DatastorePath}
		dc := own.Map.Any("Datacenter").Reference()
		for _, name := range request.SearchSpec.MatchPattern {
			path := strings.TrimSuffix(request.DatastorePath, "/") + "/" + name
			if strings.HasSuffix(request.DatastorePath, "] .") {
				path = strings.TrimSuffix(request.DatastorePath, ".") + name
			}
			descriptor, _, fault := own.Map.FileManager().DiskDescriptor(own, &dc, path)
			if _, missing := fault.(*types.FileNotFound); missing {
				continue
			}
			if fault != nil {
				return nil, fault
			}
			result.File = append(result.File, &types.VmDiskFileInfo{
				FileInfo:   types.FileInfo{Path: name},
				CapacityKb: descriptor.Capacity() / 1024,
			})
		}
		return result, nil
	}
	task := simulator.CreateTask(b.HostDatastoreBrowser, "searchDatastore", run)
	return &methods.SearchDatastore_TaskBody{
		Res: &types.SearchDatastore_TaskResponse{Returnval: task.Run(ctx)},
	}
}

// storage is a HostStorageSystem with a software iSCSI adapter.
type storage struct{ *simulator.HostStorageSystem }

const iscsiDevice = "vmhba65"

// withAdapters gives every host a software iSCSI adapter of its own (HostInternetScsiHba).
func withAdapters(registry *simulator.Registry) {
	for _, reference := range registry.AllReference("HostStorageSystem") {
		system, ok := reference.(*simulator.HostStorageSystem)
		if !ok {
			continue
		}
		info := *system.StorageDeviceInfo
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(system.Host.Self.Value))
		info.HostBusAdapter = append(
			append([]types.BaseHostHostBusAdapter{}, info.HostBusAdapter...),
			&types.HostInternetScsiHba{
				HostHostBusAdapter: types.HostHostBusAdapter{
					Key:    "key-vim.host.InternetScsiHba-" + iscsiDevice,
					Device: iscsiDevice,
					Status: "online",
					Model:  "iSCSI Software Adapter",
					Driver: "iscsi_vmk",
				},
				IsSoftwareBased: true,
				IScsiName:       fmt.Sprintf("iqn.1998-01.com.vmware:%08x", hash.Sum32()),
			},
		)
		info.SoftwareInternetScsiEnabled = true
		system.StorageDeviceInfo = &info
	}
}

func (s *storage) adapter(device string) (*types.HostInternetScsiHba, *soap.Fault) {
	for _, hba := range s.StorageDeviceInfo.HostBusAdapter {
		iscsi, ok := hba.(*types.HostInternetScsiHba)
		if ok && iscsi.Device == device {
			return iscsi, nil
		}
	}
	return nil, simulator.Fault("", &types.NotFound{})
}

func sameTarget(a, b types.HostInternetScsiHbaStaticTarget) bool {
	port := func(t types.HostInternetScsiHbaStaticTarget) int32 {
		if t.Port == 0 {
			return 3260
		}
		return t.Port
	}
	return a.IScsiName == b.IScsiName && a.Address == b.Address && port(a) == port(b)
}

// AddInternetScsiStaticTargets: HostStorageSystem, AddInternetScsiStaticTargets.
func (s *storage) AddInternetScsiStaticTargets(
	ctx *simulator.Context, request *types.AddInternetScsiStaticTargets,
) soap.HasFault {
	begun(ctx, s)
	body := &methods.AddInternetScsiStaticTargetsBody{}
	hba, fault := s.adapter(request.IScsiHbaDevice)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	hba.ConfiguredStaticTarget = append(without(hba, request.Targets), request.Targets...)
	body.Res = &types.AddInternetScsiStaticTargetsResponse{}
	return body
}

// RemoveInternetScsiStaticTargets: HostStorageSystem, RemoveInternetScsiStaticTargets; one that is
// not there is a NotFound.
func (s *storage) RemoveInternetScsiStaticTargets(
	ctx *simulator.Context, request *types.RemoveInternetScsiStaticTargets,
) soap.HasFault {
	begun(ctx, s)
	body := &methods.RemoveInternetScsiStaticTargetsBody{}
	hba, fault := s.adapter(request.IScsiHbaDevice)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	left := without(hba, request.Targets)
	if len(left)+len(request.Targets) != len(hba.ConfiguredStaticTarget) {
		body.Fault_ = simulator.Fault("", &types.NotFound{})
		return body
	}
	hba.ConfiguredStaticTarget = left
	body.Res = &types.RemoveInternetScsiStaticTargetsResponse{}
	return body
}

func without(
	hba *types.HostInternetScsiHba, targets []types.HostInternetScsiHbaStaticTarget,
) []types.HostInternetScsiHbaStaticTarget {
	var left []types.HostInternetScsiHbaStaticTarget
	for _, there := range hba.ConfiguredStaticTarget {
		gone := false
		for _, target := range targets {
			gone = gone || sameTarget(there, target)
		}
		if !gone {
			left = append(left, there)
		}
	}
	return left
}

// onNetwork is an iSCSI target on the network: a file below "iscsi".
type onNetwork struct {
	IQN     string   `json:"iqn"`
	Portals []string `json:"portals"`
	Units   []struct {
		Number int32  `json:"number"`
		ID     string `json:"id"`
		Bytes  int64  `json:"bytes"`
	} `json:"units"`
}

func (n onNetwork) at(targets []types.HostInternetScsiHbaStaticTarget) []string {
	var addresses []string
	for _, target := range targets {
		portal := fmt.Sprintf("%s:%d", target.Address, target.Port)
		for _, open := range n.Portals {
			if target.IScsiName == n.IQN && portal == open {
				addresses = append(addresses, portal)
			}
		}
	}
	return addresses
}

func network() []onNetwork {
	files, _ := filepath.Glob(filepath.Join(os.TempDir(), "iscsi", "*.json"))
	var found []onNetwork
	for _, file := range files {
		content, err := os.ReadFile(file)
		var target onNetwork
		if err == nil && json.Unmarshal(content, &target) == nil {
			found = append(found, target)
		}
	}
	return found
}

// RescanHba: HostStorageSystem, RescanHba: the host sees the units of the targets that it is told
// to log in to and that are there (HostScsiTopology, ScsiLun).
func (s *storage) RescanHba(ctx *simulator.Context, request *types.RescanHba) soap.HasFault {
	begun(ctx, s)
	body := &methods.RescanHbaBody{}
	hba, fault := s.adapter(request.HbaDevice)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	info := *s.StorageDeviceInfo
	var disks []types.BaseScsiLun
	for _, disk := range info.ScsiLun {
		if !strings.Contains(disk.GetScsiLun().DeviceName, "/naa.") {
			disks = append(disks, disk)
		}
	}
	seen := types.HostScsiTopologyInterface{Key: hba.Key, Adapter: hba.Key}
	for _, target := range network() {
		addresses := target.at(hba.ConfiguredStaticTarget)
		if len(addresses) == 0 {
			continue
		}
		shown := types.HostScsiTopologyTarget{
			Key:       target.IQN,
			Transport: &types.HostInternetScsiTargetTransport{IScsiName: target.IQN, Address: addresses},
		}
		for _, unit := range target.Units {
			name := "naa." + unit.ID
			key := "key-vim.host.ScsiDisk-" + unit.ID
			disks = append(disks, &types.HostScsiDisk{
				ScsiLun: types.ScsiLun{
					HostDevice: types.HostDevice{
						DeviceName: "/vmfs/devices/disks/" + name, DeviceType: "disk",
					},
					Key: key, Uuid: unit.ID, CanonicalName: name, LunType: "disk",
					OperationalState: []string{"ok"},
				},
				Capacity:   types.HostDiskDimensionsLba{BlockSize: 512, Block: unit.Bytes / 512},
				DevicePath: "/vmfs/devices/disks/" + name,
			})
			shown.Lun = append(shown.Lun, types.HostScsiTopologyLun{
				Key: key, Lun: unit.Number, ScsiLun: key,
			})
		}
		seen.Target = append(seen.Target, shown)
	}
	info.ScsiLun = disks
	info.ScsiTopology = &types.HostScsiTopology{Adapter: []types.HostScsiTopologyInterface{seen}}
	s.StorageDeviceInfo = &info
	body.Res = &types.RescanHbaResponse{}
	return body
}

// unknownDevice says whether a raw device that is to be plugged in is one that no host sees
// (VirtualDiskRawDiskMappingVer1BackingInfo, deviceName).
func unknownDevice(ctx *simulator.Context, changes []types.BaseVirtualDeviceConfigSpec) bool {
	for _, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		disk, ok := spec.Device.(*types.VirtualDisk)
		if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationAdd {
			continue
		}
		raw, ok := disk.Backing.(*types.VirtualDiskRawDiskMappingVer1BackingInfo)
		if ok && !seen(ctx, raw.DeviceName) {
			return true
		}
	}
	return false
}

func seen(ctx *simulator.Context, device string) bool {
	for _, reference := range ctx.Map.AllReference("HostStorageSystem") {
		system, ok := reference.(*simulator.HostStorageSystem)
		if !ok {
			continue
		}
		for _, disk := range system.StorageDeviceInfo.ScsiLun {
			if disk.GetScsiLun().DeviceName == device {
				return true
			}
		}
	}
	return false
}
