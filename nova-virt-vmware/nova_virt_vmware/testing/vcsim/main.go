// Serves govmomi's vCenter simulator on a loopback port until standard input ends.
//
// govmomi's own command is a nested module with a replace directive, which "go install" refuses.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

type options struct {
	listen, certificate, key, username string
	clusters, hosts, standaloneHosts   int
	datastores, opaqueNetworks         int
	esx                                bool
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address and port")
	flag.StringVar(&o.certificate, "certificate", "", "PEM file of the TLS certificate")
	flag.StringVar(&o.key, "key", "", "PEM file of the certificate's key")
	flag.StringVar(&o.username, "username", "", "who may log in; the password is in VCSIM_PASSWORD")
	flag.IntVar(&o.clusters, "clusters", 2, "clusters")
	flag.IntVar(&o.hosts, "hosts", 2, "hosts of each cluster")
	flag.IntVar(&o.datastores, "datastores", 2, "datastores of all hosts")
	flag.IntVar(&o.opaqueNetworks, "opaque-networks", 1, "networks of NSX")
	flag.IntVar(&o.standaloneHosts, "standalone-hosts", 1, "hosts outside of them")
	flag.BoolVar(&o.esx, "esx", false, "one ESXi instead of a vCenter")
	flag.Parse()

	model := simulator.VPX()
	if o.esx {
		model = simulator.ESX()
	} else {
		model.Cluster = o.clusters
		model.Datastore = o.datastores
		model.ClusterHost = o.hosts
		model.Host = o.standaloneHosts
		model.OpaqueNetwork = o.opaqueNetworks
	}
	// The simulator calls itself 6.5, and has more.
	model.ServiceContent.About.ApiVersion = "7.0"
	model.Machine = 0
	defer model.Remove()
	if err := serve(model, o); err != nil {
		model.Remove()
		log.Fatal(err)
	}
}

func serve(model *simulator.Model, o options) error {
	pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
	if err != nil {
		return err
	}
	if err := model.Create(); err != nil {
		return err
	}
	model.Map().Handler = mended
	withAdapters(model.Map())
	withOpaqueNetworks(model.Map())
	withGuests(model.Map())
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	model.Service.Listen = &url.URL{
		Host: o.listen,
		User: url.UserPassword(o.username, os.Getenv("VCSIM_PASSWORD")),
	}
	// Else there would be no storage policies.
	model.Service.RegisterEndpoints = true
	model.Service.ServeMux = http.NewServeMux()
	model.Service.ServeMux.HandleFunc("/ticket/", serveConsole)
	model.Service.ServeMux.HandleFunc("POST /nfc/", serveDisk)
	model.Service.ServeMux.HandleFunc("GET /nfc/", giveDisk)
	server := model.Service.NewServer()
	defer server.Close()
	port, err := strconv.ParseInt(server.URL.Port(), 10, 32)
	if err != nil {
		return err
	}
	consoles.host, consoles.port = server.URL.Hostname(), int32(port)
	fmt.Printf("serving %s\n", server.URL.Host)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop <- syscall.SIGTERM
	}()
	<-stop
	return nil
}

// mended sets right what the simulator of govmomi 0.56.0 does differently from a vCenter.
func mended(
	ctx *simulator.Context, method *simulator.Method,
) (mo.Reference, types.BaseMethodFault) {
	withSolver(ctx)
	switch request := method.Body.(type) {
	case *types.CopyVirtualDisk_Task:
		// Given a specification, it reads the extent of the copy as if it were a descriptor.
		request.DestSpec = nil
		wholeExtent(ctx, request.SourceDatacenter, request.SourceName)
	case *types.PowerOnVM_Task:
		// It starts VMs on hosts that are on the way to maintenance, and has another fault in it.
		if vm, ok := ctx.Map.Get(method.This).(*simulator.VirtualMachine); ok && takesNoVMs(ctx, vm) {
			return nil, &types.InvalidHostState{Host: vm.Runtime.Host}
		}
	case *types.ReconfigVM_Task:
		// It enlarges the device alone, not the file.
		if unknownDevice(ctx, request.Spec.DeviceChange) {
			return nil, &types.InvalidDeviceBacking{}
		}
		if fault := unknownPolicy(ctx, method.This.Value, request.Spec); fault != nil {
			return nil, fault
		}
		for _, change := range request.Spec.DeviceChange {
			grownFile(ctx, change.GetVirtualDeviceConfigSpec())
			unplugged(ctx, change.GetVirtualDeviceConfigSpec())
		}
	case *types.Destroy_Task:
		destroyed(ctx, ctx.Map.Get(method.This))
	case *types.CreateVM_Task:
		if unknownDevice(ctx, request.Config.DeviceChange) {
			return nil, &types.InvalidDeviceBacking{}
		}
		if fault := unknownPolicy(ctx, request.Config.Name, request.Config); fault != nil {
			return nil, fault
		}
	case *types.ShutdownGuest:
		// It turns a VM off without asking whether anything in the guest listens.
		if vm, ok := ctx.Map.Get(method.This).(*simulator.VirtualMachine); ok &&
			vm.Guest.ToolsRunningStatus !=
				string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
			return nil, &types.ToolsUnavailable{}
		} else if ok && vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
			shutDown(ctx, vm)
		}
	}
	return served(ctx, added(ctx, method)), nil
}
