// What the simulator of govmomi 0.56.0 lacks, from the vSphere Web Services API reference: each
// method names its place there. Results that rest on it are "simulated by us".
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vmdk"
)

// added returns who serves a request that the simulator does not serve, or not as a vCenter does.
func added(ctx *simulator.Context, method *simulator.Method) mo.Reference {
	switch target := ctx.Map.Get(method.This).(type) {
	case *simulator.VirtualMachine:
		switch method.Name {
		case "SendNMI", "AcquireTicket", "RelocateVM_Task":
			return &machine{target}
		}
	case *simulator.VmProvisioningChecker:
		if method.Name == "CheckRelocate_Task" {
			return &checker{target}
		}
	case *simulator.HostSystem:
		switch method.Name {
		case "EnterMaintenanceMode_Task", "ExitMaintenanceMode_Task", "ShutdownHost_Task",
			"RebootHost_Task":
			return &host{target}
		}
	}
	return storageAdded(ctx, method)
}

// withOpaqueNetworks lets clusters have the networks of NSX (ComputeResource, network): the simulator
// leaves these in the datacenter alone.
func withOpaqueNetworks(registry *simulator.Registry) {
	for _, network := range registry.All("OpaqueNetwork") {
		for _, object := range registry.All("ClusterComputeResource") {
			if cluster, ok := object.(*simulator.ClusterComputeResource); ok {
				cluster.Network = append(cluster.Network, network.Reference())
			}
		}
	}
}

// served makes an object known to the session for one request: what a session knows goes before
// what the handler of a registry returns.
func served(ctx *simulator.Context, by mo.Reference) mo.Reference {
	if by != nil && ctx.Session != nil {
		ctx.Session.Registry.Put(by)
	}
	return by
}

// begun makes the session forget it again; each added method begins with it.
func begun(ctx *simulator.Context, by mo.Reference) {
	ctx.Session.Registry.Remove(ctx, by.Reference())
}

// machine is a VirtualMachine with more methods.
type machine struct{ *simulator.VirtualMachine }

const interrupts = "vcsim.interrupts"

// SendNMI: VirtualMachine, SendNMI. How many came is told in the extra configuration.
func (m *machine) SendNMI(ctx *simulator.Context, _ *types.SendNMI) soap.HasFault {
	begun(ctx, m)
	body := &methods.SendNMIBody{}
	if fault := m.off(); fault != nil {
		body.Fault_ = fault
		return body
	}
	count := 0
	var kept []types.BaseOptionValue
	for _, option := range m.Config.ExtraConfig {
		if value := option.GetOptionValue(); value.Key == interrupts {
			_, _ = fmt.Sscan(fmt.Sprint(value.Value), &count)
		} else {
			kept = append(kept, option)
		}
	}
	told := &types.OptionValue{Key: interrupts, Value: fmt.Sprint(count + 1)}
	ctx.Update(m.VirtualMachine, []types.PropertyChange{
		{Name: "config.extraConfig", Val: append(kept, told)},
	})
	body.Res = &types.SendNMIResponse{}
	return body
}

func (m *machine) off() *soap.Fault {
	if m.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		return nil
	}
	return simulator.Fault("", &types.InvalidPowerState{
		RequestedState: types.VirtualMachinePowerStatePoweredOn,
		ExistingState:  m.Runtime.PowerState,
	})
}

// AcquireTicket: VirtualMachine, AcquireTicket, of type "webmks": a secret that lets in once, by a
// WebSocket at /ticket/SECRET of the host.
func (m *machine) AcquireTicket(
	ctx *simulator.Context, request *types.AcquireTicket,
) soap.HasFault {
	begun(ctx, m)
	body := &methods.AcquireTicketBody{}
	if body.Fault_ = m.off(); body.Fault_ != nil {
		return body
	}
	if request.TicketType != string(types.VirtualMachineTicketTypeWebmks) {
		body.Fault_ = simulator.Fault("", &types.NotSupported{})
		return body
	}
	secret := uuid.NewString()
	tickets.give(secret, m.Config.InstanceUuid)
	place := consoles
	body.Res = &types.AcquireTicketResponse{Returnval: types.VirtualMachineTicket{
		Ticket: secret,
		Host:   place.host,
		Port:   place.port,
	}}
	return body
}

var consoles struct {
	host string
	port int32
}

type ticketBook struct {
	sync.Mutex
	machines map[string]string
}

var tickets = ticketBook{machines: map[string]string{}}

func (b *ticketBook) give(secret, machine string) {
	b.Lock()
	defer b.Unlock()
	b.machines[secret] = machine
}

func (b *ticketBook) take(secret string) (string, bool) {
	b.Lock()
	defer b.Unlock()
	machine, ok := b.machines[secret]
	delete(b.machines, secret)
	return machine, ok
}

// serveConsole stands for the host's WebSocket: it lets in or not, and names the VM.
func serveConsole(w http.ResponseWriter, r *http.Request) {
	machine, ok := tickets.take(strings.TrimPrefix(r.URL.Path, "/ticket/"))
	if !ok {
		http.Error(w, "no such ticket", http.StatusForbidden)
		return
	}
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("X-Vcsim-Machine", machine)
	w.WriteHeader(http.StatusSwitchingProtocols)
}

// host is a HostSystem with more methods.
type host struct{ *simulator.HostSystem }

type enteringHosts struct {
	sync.Mutex
	hosts map[types.ManagedObjectReference]bool
}

var entering = enteringHosts{hosts: map[types.ManagedObjectReference]bool{}}

func (e *enteringHosts) set(host types.ManagedObjectReference, is bool) {
	e.Lock()
	defer e.Unlock()
	e.hosts[host] = is
}

func (e *enteringHosts) has(host types.ManagedObjectReference) bool {
	e.Lock()
	defer e.Unlock()
	return e.hosts[host]
}

// takesNoVMs: a host in maintenance, or on the way to it, powers no VM on (HostSystem,
// EnterMaintenanceMode_Task).
func takesNoVMs(ctx *simulator.Context, vm *simulator.VirtualMachine) bool {
	on := *vm.Runtime.Host
	host, ok := ctx.Map.Get(on).(*simulator.HostSystem)
	return ok && (host.Runtime.InMaintenanceMode || entering.has(on))
}

func (h *host) running(ctx *simulator.Context) bool {
	for _, object := range ctx.Map.All("VirtualMachine") {
		vm, ok := object.(*simulator.VirtualMachine)
		if ok && vm.Runtime.Host != nil && *vm.Runtime.Host == h.Self &&
			vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
			return true
		}
	}
	return false
}

// unlocked stands for the host as the entity of a task that lasts: a task locks its entity.
type unlocked struct{ of types.ManagedObjectReference }

func (u unlocked) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: u.of.Type, Value: u.of.Value + "-task"}
}

// EnterMaintenanceModeTask: HostSystem, EnterMaintenanceMode_Task: done once no VM runs on the host.
func (h *host) EnterMaintenanceModeTask(
	ctx *simulator.Context, _ *types.EnterMaintenanceMode_Task,
) soap.HasFault {
	begun(ctx, h)
	own := &simulator.Context{Context: ctx.Context, Session: ctx.Session, Map: ctx.Map}
	entering.set(h.Self, true)
	run := func(t *simulator.Task) (types.AnyType, types.BaseMethodFault) {
		defer entering.set(h.Self, false)
		for h.running(own) {
			if t.Info.Cancelled {
				return nil, &types.RequestCanceled{}
			}
			time.Sleep(10 * time.Millisecond)
		}
		own.Map.AtomicUpdate(own, h.HostSystem, inMaintenance(true))
		return nil, nil
	}
	task := simulator.CreateTask(unlocked{h.Self}, "enterMaintenanceMode", run)
	ref := task.Run(own)
	ctx.Update(h.HostSystem, []types.PropertyChange{
		{Name: "recentTask", Val: []types.ManagedObjectReference{ref}},
	})
	return &methods.EnterMaintenanceMode_TaskBody{
		Res: &types.EnterMaintenanceMode_TaskResponse{Returnval: ref},
	}
}

func inMaintenance(is bool) []types.PropertyChange {
	return []types.PropertyChange{
		{Name: "runtime.inMaintenanceMode", Val: is},
		{Name: "summary.runtime.inMaintenanceMode", Val: is},
	}
}

// ExitMaintenanceModeTask: HostSystem, ExitMaintenanceMode_Task.
func (h *host) ExitMaintenanceModeTask(
	ctx *simulator.Context, _ *types.ExitMaintenanceMode_Task,
) soap.HasFault {
	begun(ctx, h)
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		ctx.Update(h.HostSystem, inMaintenance(false))
		return nil, nil
	}
	task := simulator.CreateTask(h.HostSystem, "exitMaintenanceMode", run)
	return &methods.ExitMaintenanceMode_TaskBody{
		Res: &types.ExitMaintenanceMode_TaskResponse{Returnval: task.Run(ctx)},
	}
}

// ShutdownHostTask: HostSystem, ShutdownHost_Task.
func (h *host) ShutdownHostTask(
	ctx *simulator.Context, request *types.ShutdownHost_Task,
) soap.HasFault {
	begun(ctx, h)
	return &methods.ShutdownHost_TaskBody{Res: &types.ShutdownHost_TaskResponse{
		Returnval: h.order(ctx, "shut-down", request.Force),
	}}
}

// RebootHostTask: HostSystem, RebootHost_Task.
func (h *host) RebootHostTask(
	ctx *simulator.Context, request *types.RebootHost_Task,
) soap.HasFault {
	begun(ctx, h)
	return &methods.RebootHost_TaskBody{Res: &types.RebootHost_TaskResponse{
		Returnval: h.order(ctx, "reboot", request.Force),
	}}
}

// order writes the order down; the simulated host stays on.
func (h *host) order(
	ctx *simulator.Context, name string, force bool,
) types.ManagedObjectReference {
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if !force && !h.Runtime.InMaintenanceMode {
			return nil, &types.InvalidState{}
		}
		path := filepath.Join(os.TempDir(), "orders")
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			log.Print(err)
			return nil, &types.HostConfigFault{}
		}
		defer file.Close()
		_, _ = fmt.Fprintln(file, name)
		return nil, nil
	}
	return simulator.CreateTask(h.HostSystem, name, run).Run(ctx)
}

// wholeExtent gives the extent of a disk its size: the simulator makes it empty, and enlarges the
// descriptor alone.
func wholeExtent(ctx *simulator.Context, dc *types.ManagedObjectReference, name string) {
	descriptor, file, fault := ctx.Map.FileManager().DiskDescriptor(ctx, dc, name)
	if fault != nil {
		return
	}
	extent := simulator.VirtualDiskBackingFileName(file)
	if info, err := os.Stat(extent); err == nil && info.Size() < descriptor.Capacity() {
		_ = os.Truncate(extent, descriptor.Capacity())
	}
}

// grownFile writes the new size of a disk that is edited into its descriptor.
func grownFile(ctx *simulator.Context, change *types.VirtualDeviceConfigSpec) {
	disk, ok := change.Device.(*types.VirtualDisk)
	if !ok || change.Operation != types.VirtualDeviceConfigSpecOperationEdit {
		return
	}
	backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo)
	if !ok {
		return
	}
	dc := ctx.Map.Any("Datacenter").Reference()
	name := backing.GetVirtualDeviceFileBackingInfo().FileName
	files := ctx.Map.FileManager()
	descriptor, file, fault := files.DiskDescriptor(ctx, &dc, name)
	if fault == nil && descriptor.Capacity() < disk.CapacityInKB*1024 {
		descriptor.Extent[0].Size = disk.CapacityInKB * 1024 / vmdk.SectorSize
		_ = files.SaveDiskDescriptor(ctx, descriptor, file)
	}
}
